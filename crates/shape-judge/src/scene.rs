//! What a picture of the starter model can show; `tools/starter-shapes/scene.py` says the same for training.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What one picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scene {
    /// The colour behind the shapes.
    pub background: Colour,
    /// The colour of all shapes.
    pub colour: Colour,
    /// The kind of all shapes.
    pub shape: Shape,
    /// One to three.
    pub count: usize,
    /// How large each shape is, for their number.
    pub size: Size,
    /// Where the row of shapes is.
    pub position: Position,
}

/// Defines an enum of plain words with its list, its words in lower case, and their place in the list.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name {
            $(#[doc = concat!("Written `", $word, "`.")] $variant),+
        }

        impl $name {
            /// Every value, in the order in which training numbers them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that prompts and files use.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.word())
            }
        }
    };
}

words! {
    /// A colour of shapes and backgrounds.
    Colour {
        Red = "red", Green = "green", Blue = "blue", Yellow = "yellow",
        Orange = "orange", Purple = "purple", White = "white", Black = "black",
    }
}

words! {
    /// A kind of shape.
    Shape { Circle = "circle", Square = "square", Triangle = "triangle", Star = "star", Diamond = "diamond" }
}

words! {
    /// How large a shape is; prompts that say nothing mean `medium`.
    Size { Small = "small", Medium = "medium", Large = "large" }
}

words! {
    /// Where the shapes are; prompts that say nothing mean `middle`.
    Position { Middle = "middle", Left = "left", Right = "right", Top = "top", Bottom = "bottom" }
}

impl Colour {
    /// The sRGB value that training draws.
    pub const fn rgb(self) -> [u8; 3] {
        match self {
            Self::Red => [220, 35, 35],
            Self::Green => [35, 165, 65],
            Self::Blue => [40, 80, 225],
            Self::Yellow => [250, 220, 45],
            Self::Orange => [245, 135, 25],
            Self::Purple => [140, 50, 185],
            Self::White => [250, 250, 250],
            Self::Black => [15, 15, 15],
        }
    }
}

impl Size {
    /// The radius in pixels of one of `count` shapes: three share the width of the picture.
    pub(crate) const fn radius(self, count: usize) -> f32 {
        match (count, self) {
            (1, Self::Small) => 13.0,
            (1, Self::Medium) => 25.0,
            (1, Self::Large) => 38.0,
            (2, Self::Small) => 10.0,
            (2, Self::Large) => 26.0,
            (2, Self::Medium) | (_, Self::Large) => 18.0,
            (_, Self::Small) => 8.0,
            (_, Self::Medium) => 13.0,
        }
    }
}
