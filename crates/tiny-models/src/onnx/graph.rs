//! Builds an ONNX model node by node.

use super::proto::Message;

/// The version of the file format, and of the operators: what every runtime of the last years reads.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 13;

/// Element types, as ONNX numbers them.
#[derive(Debug, Clone, Copy)]
pub(super) enum Element {
    Float = 1,
    Int32 = 6,
    Int64 = 7,
}

/// An attribute of a node.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attribute<'a> {
    Int(i64),
    Ints(&'a [i64]),
}

/// One dimension of a shape.
#[derive(Debug, Clone, Copy)]
pub(super) enum Dim {
    Fixed(usize),
    Named(&'static str),
}

/// A model in the making; what it needs is said in any order.
#[derive(Debug)]
pub(super) struct Graph {
    nodes: Vec<Message>,
    constants: Vec<Message>,
    inputs: Vec<Message>,
    outputs: Vec<Message>,
    metadata: Vec<(String, String)>,
}

impl Graph {
    pub(super) fn new() -> Self {
        let (nodes, constants, inputs, outputs, metadata) = Default::default();
        Self { nodes, constants, inputs, outputs, metadata }
    }

    /// `output = op(inputs)`.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], output: &str) {
        self.node_with(op, inputs, output, &[]);
    }

    pub(super) fn node_with(
        &mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attributes: &[(&str, Attribute<'_>)],
    ) {
        let mut node = inputs.iter().fold(Message::default(), |node, input| node.text(1, input));
        node = node.text(2, output).text(3, output).text(4, op);
        for (name, value) in attributes {
            node = node.message(5, &attribute(name, *value));
        }
        self.nodes.push(node);
    }

    /// Numbers in row-major order.
    pub(super) fn floats(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::Float, shape, &raw);
    }

    pub(super) fn ints(&mut self, name: &str, shape: &[usize], values: &[i64]) {
        let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(name, Element::Int64, shape, &raw);
    }

    /// A single place in a list.
    pub(super) fn index(&mut self, name: &str, place: usize) {
        self.ints(name, &[], &[size(place)]);
    }

    fn constant(&mut self, name: &str, element: Element, shape: &[usize], raw: &[u8]) {
        let tensor = shape.iter().fold(Message::default(), |tensor, dim| tensor.int(1, size(*dim)));
        self.constants.push(tensor.int(2, element as i64).text(8, name).bytes(9, raw));
    }

    pub(super) fn input(&mut self, name: &str, element: Element, shape: &[Dim]) {
        self.inputs.push(value_info(name, element, shape));
    }

    pub(super) fn output(&mut self, name: &str, element: Element, shape: &[Dim]) {
        self.outputs.push(value_info(name, element, shape));
    }

    /// What sherpa-onnx reads beside the graph.
    pub(super) fn metadata(&mut self, entries: &[(&str, &str)]) {
        self.metadata.extend(entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    /// The whole file.
    pub(super) fn into_bytes(self, name: &str) -> Vec<u8> {
        let mut graph = Message::default();
        for (field, messages) in
            [(1, &self.nodes), (5, &self.constants), (11, &self.inputs), (12, &self.outputs)]
        {
            if field == 5 {
                graph = graph.text(2, name);
            }
            graph = messages.iter().fold(graph, |graph, message| graph.message(field, message));
        }
        let opset = Message::default().text(1, "").int(2, OPSET);
        let model = Message::default().int(1, IR_VERSION).text(2, "tiny-models");
        let mut model = model.message(7, &graph).message(8, &opset);
        for (key, value) in &self.metadata {
            model = model.message(14, &Message::default().text(1, key).text(2, value));
        }
        model.into_bytes()
    }
}

fn attribute(name: &str, value: Attribute<'_>) -> Message {
    let attribute = Message::default().text(1, name);
    match value {
        Attribute::Int(value) => attribute.int(3, value).int(20, 2),
        Attribute::Ints(values) => {
            values.iter().fold(attribute, |attribute, value| attribute.int(8, *value)).int(20, 7)
        }
    }
}

fn value_info(name: &str, element: Element, shape: &[Dim]) -> Message {
    let shape = shape.iter().fold(Message::default(), |shape, dim| {
        let dim = match dim {
            Dim::Fixed(fixed) => Message::default().int(1, size(*fixed)),
            Dim::Named(name) => Message::default().text(2, name),
        };
        shape.message(1, &dim)
    });
    let tensor = Message::default().int(1, element as i64).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}

fn size(dim: usize) -> i64 {
    i64::try_from(dim).expect("these models are tiny")
}
