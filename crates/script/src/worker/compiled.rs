//! Scripts as bytecode of the engine they were compiled in.
//!
//! The library that binds the engine can compile modules only, and those are strict.

#![expect(unsafe_code, reason = "the engine's own calls for scripts that are compiled and not run")]
#![expect(clippy::disallowed_types, reason = "scripts are compiled before the engine's memory is copied")]

use rquickjs::{Ctx, Error, Persistent, Value, qjs};

/// A compiled expression. What it is made of lies in the engine's memory.
#[derive(Clone, Debug)]
pub(super) struct Compiled(Persistent<Value<'static>>);

impl Compiled {
    /// Compiles an expression of the global scope, as script and not strict. `None` if it is no JavaScript, or
    /// nobody knows: to evaluate it will tell why.
    pub(super) fn new(ctx: &Ctx<'_>, source: &str, file: &str) -> Option<Self> {
        let source = std::ffi::CString::new(source).ok()?;
        let file = std::ffi::CString::new(file).ok()?;
        let flags = qjs::JS_EVAL_TYPE_GLOBAL | qjs::JS_EVAL_FLAG_COMPILE_ONLY;
        // SAFETY: both texts end with a zero, and the engine copies what it needs of them.
        let compiled = unsafe {
            qjs::JS_Eval(
                ctx.as_raw().as_ptr(),
                source.as_ptr(),
                source.as_bytes().len().try_into().ok()?,
                file.as_ptr(),
                i32::try_from(flags).ok()?,
            )
        };
        // SAFETY: the value is the engine's and ours.
        let compiled = unsafe { owned(ctx, compiled) };
        compiled.ok().map(|value| Self(Persistent::save(ctx, value)))
    }

    /// Evaluates it.
    ///
    /// # Errors
    /// What it threw.
    pub(super) fn evaluate<'js>(&self, ctx: &Ctx<'js>) -> Result<Value<'js>, Error> {
        let compiled = self.0.clone().restore(ctx)?;
        // SAFETY: the engine takes one reference, which is made for it.
        unsafe {
            let compiled = qjs::JS_DupValue(ctx.as_raw().as_ptr(), compiled.as_raw());
            owned(ctx, qjs::JS_EvalFunction(ctx.as_raw().as_ptr(), compiled))
        }
    }
}

/// A value that the engine has given away, unless it says that something was thrown.
///
/// # Safety
/// It must come from this context, and be nobody else's.
unsafe fn owned<'js>(ctx: &Ctx<'js>, value: qjs::JSValue) -> Result<Value<'js>, Error> {
    // SAFETY: the caller's.
    unsafe {
        if qjs::JS_IsException(value) {
            Err(Error::Exception)
        } else {
            Ok(Value::from_raw(ctx.clone(), value))
        }
    }
}
