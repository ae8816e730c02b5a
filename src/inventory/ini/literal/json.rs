//! Python's values as Ansible's JSON has them.

use serde_json::{Map, Number, Value};

use super::Literal;

impl Literal {
    /// Whether it may be in a set or a key of a dict; Python stops at one that may not.
    fn hashable(&self) -> Result<(), String> {
        let what = match self {
            Literal::List(_) => "a list",
            Literal::Set(_) => "a set",
            Literal::Dict(_) => "a dict",
            Literal::Tuple(items) => return items.iter().try_for_each(Literal::hashable),
            _ => return Ok(()),
        };
        Err(format!("{what} cannot be in a set or be a key of a dict"))
    }

    pub(super) fn json(self) -> Result<Value, String> {
        Ok(match self {
            Literal::None => Value::Null,
            Literal::Bool(value) => Value::Bool(value),
            Literal::Int(int) => match (i64::try_from(int), u64::try_from(int)) {
                (Ok(int), _) => Value::from(int),
                (_, Ok(int)) => Value::from(int),
                // As with YAML: beyond 64 bits a float.
                _ => float(int as f64),
            },
            Literal::Float(value) => float(value),
            Literal::Complex(real, imaginary) => Value::String(complex(real, imaginary)),
            Literal::Ellipsis => Value::String("...".to_owned()),
            Literal::Text(text) => Value::String(text),
            // Ansible makes text of bytes, but no template.
            Literal::Bytes(text) => {
                Value::Object(Map::from_iter([("__ansible_unsafe".to_owned(), Value::String(text))]))
            }
            Literal::List(items) | Literal::Tuple(items) => {
                items.into_iter().map(Literal::json).collect::<Result<_, _>>()?
            }
            Literal::Set(items) => {
                let mut distinct: Vec<Value> = Vec::with_capacity(items.len());
                for item in items {
                    item.hashable()?;
                    let item = item.json()?;
                    if !distinct.contains(&item) {
                        distinct.push(item);
                    }
                }
                Value::Array(distinct)
            }
            Literal::Dict(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    key.hashable()?;
                    let key = match key {
                        Literal::Text(text) | Literal::Bytes(text) => text,
                        Literal::Tuple(_) => return Err("a tuple cannot be a key".to_owned()),
                        other => match other.json()? {
                            Value::String(text) => text,
                            other => other.to_string(),
                        },
                    };
                    map.insert(key, value.json()?);
                }
                Value::Object(map)
            }
        })
    }
}

fn float(value: f64) -> Value {
    let lacking = || match value {
        value if value.is_nan() => ".nan",
        value if value > 0.0 => ".inf",
        _ => "-.inf",
    };
    Number::from_f64(value).map_or_else(|| Value::String(lacking().to_owned()), Value::Number)
}

/// As Python prints it.
fn complex(real: f64, imaginary: f64) -> String {
    let part = |value: f64| format!("{value:?}").trim_end_matches(".0").to_owned();
    let imaginary_part = part(imaginary);
    if real == 0.0 && real.is_sign_positive() {
        return format!("{imaginary_part}j");
    }
    let sign = if imaginary_part.starts_with('-') { "" } else { "+" };
    format!("({}{sign}{imaginary_part}j)", part(real))
}
