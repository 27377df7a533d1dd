//! A browser without scripts: reads the form of a page, fills it in, sends it, follows redirects.

use crate::exchange::Answer;
use crate::page::Page;

/// The form of a page, with what stands in its fields.
#[derive(Clone, Debug)]
pub struct Form {
    action: String,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The form of an answer; panics if it has none.
    #[track_caller]
    pub fn of(answer: &Answer) -> Self {
        let page = &answer.body;
        let start = page.find("<form ").unwrap_or_else(|| panic!("no form: {}\n{page}", answer.asked));
        let form = &page[start..page.find("</form>").expect("the form ends")];
        let action = attribute(form, "action").expect("a form posts somewhere");
        let inputs = form.match_indices("<input ").map(|(at, _)| {
            let tag = &form[at..];
            &tag[..tag.find('>').expect("the tag ends")]
        });
        let named = inputs
            .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default())));
        Self { action, fields: named.collect() }
    }

    /// The same with something typed into a field; panics if there is no such field.
    #[must_use]
    #[track_caller]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(known, _)| known == name);
        let (_, typed) = field.unwrap_or_else(|| panic!("no field {name} in the form"));
        value.clone_into(typed);
        self
    }

    /// What stands in a field, if there is one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every field with what stands in it.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Where it posts to.
    pub fn action(&self) -> &str {
        &self.action
    }

    /// Presses the button with this `action` and returns the answer to the post itself.
    pub async fn press(&self, page: &Page, button: &str) -> Answer {
        let mut fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        fields.push(("action", button));
        page.post_form(&self.action, &fields).await
    }

    /// Presses the button and follows the redirects within the server.
    pub async fn submit(&self, page: &Page, button: &str) -> Answer {
        let answer = self.press(page, button).await;
        page.follow(answer).await
    }
}

/// An attribute of a tag, with the entities that a template writes resolved.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let text = &tag[start..];
    let text = &text[..text.find('"')?];
    let entities = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    Some(entities.iter().fold(text.to_owned(), |text, (entity, char)| text.replace(entity, char)))
}
