//! The model's own chat template, run as transformers runs it.

mod functions;

use engine_protocol::Failure;
use minijinja::value::Value as Jinja;
use minijinja::{AutoEscape, Environment, Error};
use serde_json::{Map, Value};

pub use functions::ordered;

/// Steps of one rendering: a template is a program from a stranger's file. A long chat takes some thousands.
const FUEL: u64 = 20_000_000;
const CHAT: &str = "chat";
const TOOLS: &str = "tools";

/// A compiled template, and the variant for tools that some models bring.
#[derive(Debug)]
pub struct Template {
    environment: Environment<'static>,
    source: String,
    for_tools: Option<String>,
}

impl Template {
    /// Compiles it; `for_tools` is used for tasks with tools.
    pub fn compile(source: &str, for_tools: Option<&str>) -> Result<Self, Failure> {
        let mut environment = Environment::new();
        environment.set_trim_blocks(true);
        environment.set_lstrip_blocks(true);
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
        environment.set_fuel(Some(FUEL));
        functions::install(&mut environment);
        let broken = |problem: &Error| Failure::model(format!("chat template: {}", words(problem)));
        for (name, source) in [(CHAT, Some(source)), (TOOLS, for_tools)] {
            if let Some(source) = source {
                environment.add_template_owned(name, plain(source)).map_err(|problem| broken(&problem))?;
            }
        }
        Ok(Self { environment, source: source.to_owned(), for_tools: for_tools.map(str::to_owned) })
    }

    /// Its text, of the variant for tools where that is meant.
    pub fn source(&self, with_tools: bool) -> &str {
        if with_tools { self.for_tools.as_deref().unwrap_or(&self.source) } else { &self.source }
    }

    /// Whether it looks at the variable `name`.
    pub fn uses(&self, name: &str, with_tools: bool) -> bool {
        let template = self.environment.get_template(self.which(with_tools));
        template.is_ok_and(|template| template.undeclared_variables(false).contains(name))
    }

    fn which(&self, with_tools: bool) -> &'static str {
        if with_tools && self.for_tools.is_some() { TOOLS } else { CHAT }
    }

    /// The prompt of a conversation.
    pub fn render(&self, variables: &Map<String, Value>, with_tools: bool) -> Result<String, Failure> {
        let template = self.environment.get_template(self.which(with_tools));
        let variables: Jinja =
            variables.iter().map(|(name, value)| (name.as_str(), ordered(value))).collect();
        template.and_then(|template| template.render(variables)).map_err(|problem| {
            Failure::bad_input(format!(
                "the model's chat template refuses the conversation: {}",
                words(&problem)
            ))
        })
    }
}

/// What minijinja cannot read and a prompt does not need: the marks around what was generated, for training.
fn plain(source: &str) -> String {
    let mut out = source.to_owned();
    for (open, close) in [("{%", "%}"), ("{%-", "%}"), ("{%", "-%}"), ("{%-", "-%}")] {
        for word in ["generation", "endgeneration"] {
            let mark = format!("{open} {word} {close}");
            // A statement that does nothing keeps the white space control.
            out = out.replace(&mark, &format!("{open} set generation_mark = 0 {close}"));
        }
    }
    out
}

fn words(problem: &Error) -> String {
    let kind = problem.kind().to_string();
    let detail = problem.detail().map_or(kind, str::to_owned);
    match problem.line() {
        Some(line) => format!("{detail} (line {line})"),
        None => detail,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(source: &str, variables: Value) -> Result<String, String> {
        let Value::Object(variables) = variables else { unreachable!("tests give objects") };
        let template = Template::compile(source, None).map_err(|failure| failure.message)?;
        template.render(&variables, false).map_err(|failure| failure.message)
    }

    #[test]
    fn python_habits_of_templates_work() {
        let source = "{%- set ns = namespace(n=0) -%}{%- for m in messages[::-1] %}{%- if m.role.startswith('u') and \
            not m.content.strip().endswith('x') %}{%- set ns.n = ns.n + 1 %}{%- endif %}{%- endfor %}{{ ns.n }}\
            {%- for k, v in d.items() %} {{ k ~ '=' ~ v }}{% endfor %}{% if nothing is defined %}!{% endif %}\
            {%- for i in range(9) %}{% if i == 2 %}{% break %}{% endif %}{{ i }}{% endfor %}{{ 'a|b'.split('|')[-1] }}";
        let variables = json!({"messages": [{"role": "user", "content": " a "}, {"role": "user", "content": "x"},
            {"role": "tool", "content": ""}], "d": {"p": 1}});
        assert_eq!(rendered(source, variables).unwrap(), "1 p=101b");
    }

    #[test]
    fn json_is_written_as_python_writes_it() {
        let tool =
            json!({"function": {"parameters": {"type": "object"}, "name": "a\"é<"}, "type": "function"});
        let written =
            r#"{"type": "function", "function": {"name": "a\"é<", "parameters": {"type": "object"}}}"#;
        assert_eq!(rendered("{{ tool | tojson }}", json!({"tool": tool.clone()})).unwrap(), written);
        let indented = rendered("{{ [1, 2.5, none, true, {}] | tojson(indent=2) }}", json!({})).unwrap();
        assert_eq!(indented, "[\n  1,\n  2.5,\n  null,\n  true,\n  {}\n]");
        let sorted =
            "{{ {'b': 1, 'a': 'é'} | tojson(sort_keys=true, ensure_ascii=true, separators=(',', ':')) }}";
        assert_eq!(rendered(sorted, json!({})).unwrap(), r#"{"a":"\u00e9","b":1}"#);
    }

    #[test]
    fn a_template_can_refuse() {
        let problem = rendered("{{ raise_exception('roles must alternate') }}", json!({})).unwrap_err();
        assert!(problem.contains("roles must alternate"), "{problem}");
        let problem = Template::compile("{% for %}", None).unwrap_err().message;
        assert!(problem.starts_with("chat template: "), "{problem}");
    }

    #[test]
    fn an_endless_template_ends() {
        let source = "{% for a in range(99999) %}{% for b in range(99999) %}{{ b }}{% endfor %}{% endfor %}";
        assert!(rendered(source, json!({})).unwrap_err().contains("fuel"));
    }

    #[test]
    fn today_is_told() {
        let year = rendered("{{ strftime_now('%Y') }}", json!({})).unwrap();
        assert!(year.parse::<u32>().unwrap() >= 2024);
    }

    #[test]
    fn marks_of_training_are_passed_over() {
        let source = "a {%- generation -%} b {%- endgeneration %} c{% generation %}d";
        assert_eq!(rendered(source, json!({})).unwrap(), "ab cd");
    }

    #[test]
    fn it_is_known_what_a_template_looks_at() {
        let template = Template::compile("{% if tools %}{{ tools }}{% endif %}", None).unwrap();
        assert!(template.uses("tools", false) && !template.uses("documents", false));
    }
}
