//! Addresses, for `URL`.

use rquickjs::{Ctx, Error, Function, Object};
use url::Url;

pub(super) const NAMES: &[&str] = &["urlParse", "urlSet"];

pub(super) fn find<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Option<Function<'js>>, Error> {
    let ctx = ctx.clone();
    match name {
        "urlParse" => Function::new(ctx, |ctx: Ctx<'js>, text: String, base: Option<String>| {
            let parsed = match base {
                Some(base) => Url::parse(&base).and_then(|base| base.join(&text)),
                None => Url::parse(&text),
            };
            parsed.ok().map(|url| parts(&ctx, &url)).transpose().map(OrNull)
        }),
        "urlSet" => Function::new(ctx, |ctx: Ctx<'js>, href: String, part: String, value: String| {
            let changed = changed(&href, &part, &value);
            changed.map(|url| parts(&ctx, &url)).transpose().map(OrNull)
        }),
        _ => return Ok(None),
    }
    .map(Some)
}

/// `None` is null in JavaScript, not undefined.
struct OrNull<T>(Option<T>);

impl<'js, T: rquickjs::IntoJs<'js>> rquickjs::IntoJs<'js> for OrNull<T> {
    fn into_js(self, ctx: &Ctx<'js>) -> Result<rquickjs::Value<'js>, Error> {
        match self.0 {
            Some(value) => value.into_js(ctx),
            None => Ok(rquickjs::Value::new_null(ctx.clone())),
        }
    }
}

/// The address with one part set, as the setters of `URL` do: a value that does not fit changes nothing.
fn changed(href: &str, part: &str, value: &str) -> Option<Url> {
    let mut url = Url::parse(href).ok()?;
    match part {
        "href" => url = Url::parse(value).ok()?,
        "protocol" => url::quirks::set_protocol(&mut url, value).ok()?,
        "username" => url::quirks::set_username(&mut url, value).ok()?,
        "password" => url::quirks::set_password(&mut url, value).ok()?,
        "host" => url::quirks::set_host(&mut url, value).ok()?,
        "hostname" => url::quirks::set_hostname(&mut url, value).ok()?,
        "port" => url::quirks::set_port(&mut url, value).ok()?,
        "pathname" => url::quirks::set_pathname(&mut url, value),
        "search" => url::quirks::set_search(&mut url, value),
        "hash" => url::quirks::set_hash(&mut url, value),
        _ => return None,
    }
    Some(url)
}

fn parts<'js>(ctx: &Ctx<'js>, url: &Url) -> Result<Object<'js>, Error> {
    let object = Object::new_proto(ctx.clone(), None)?;
    object.set("href", url::quirks::href(url))?;
    object.set("origin", url::quirks::origin(url))?;
    object.set("protocol", url::quirks::protocol(url))?;
    object.set("username", url::quirks::username(url))?;
    object.set("password", url::quirks::password(url))?;
    object.set("host", url::quirks::host(url))?;
    object.set("hostname", url::quirks::hostname(url))?;
    object.set("port", url::quirks::port(url))?;
    object.set("pathname", url::quirks::pathname(url))?;
    object.set("search", url::quirks::search(url))?;
    object.set("hash", url::quirks::hash(url))?;
    Ok(object)
}
