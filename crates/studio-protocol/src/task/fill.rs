//! What a task leaves open.

use serde_json::{Map, Value};

use super::Task;
use crate::CliDefaults;

/// Fills in what a task leaves open: a value that it states wins over the model's default, and that one over the
/// protocol's, which readers of tasks know.
pub(crate) fn fill_in(task: &mut Map<String, Value>, defaults: Map<String, Value>) {
    task.retain(|_, stated| !stated.is_null());
    for (key, default) in defaults {
        // A default that its kind does not have is ignored like any unknown key.
        task.entry(key).or_insert(default);
    }
}

impl Task {
    /// Reads a task as a client stated it, with the defaults of the model that is to do it.
    pub fn with_defaults(mut task: Value, defaults: &CliDefaults) -> Result<Self, serde_json::Error> {
        if let (Value::Object(task), Value::Object(defaults)) = (&mut task, serde_json::to_value(defaults)?) {
            fill_in(task, defaults);
        }
        serde_json::from_value(task)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_stated_wins_over_the_model_and_that_over_the_protocol() {
        let defaults = json!({"cfgScale": 1.5, "steps": 8, "width": 64, "height": 48, "contextSize": 4096});
        let defaults: CliDefaults = serde_json::from_value(defaults).unwrap();
        let stated = json!({"kind": "image", "prompt": "a fox", "steps": 2, "width": null});
        let Task::Image(task) = Task::with_defaults(stated, &defaults).unwrap() else {
            panic!("another kind")
        };
        assert_eq!((task.steps, task.width, task.height, task.cfg_scale), (2, 64, 48, Some(1.5)));
        assert_eq!(task.ext, "webp");
        let wrong = Task::with_defaults(json!({"kind": "image"}), &defaults).unwrap_err();
        assert!(wrong.to_string().contains("prompt"), "{wrong}");
    }
}
