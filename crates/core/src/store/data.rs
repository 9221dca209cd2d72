#![expect(unsafe_code, reason = "erases a type and restores it after a check")]
//! Host data without its type.

use alloc::boxed::Box;
use core::any::{TypeId, type_name};
use core::fmt;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

use crate::error::TypeMismatch;

/// An owned value of some type, which is known at run time only.
///
/// Invariant: `value` came from a `Box<T>` where `T` is the type that `type_id`,
/// `type_name` and `drop` were made for. Nothing says that `T` is `Send`: the
/// marker of the owning store does.
pub(crate) struct HostData {
    value: NonNull<()>,
    type_id: TypeId,
    type_name: &'static str,
    /// # Safety
    ///
    /// For `value`, once.
    drop: unsafe fn(NonNull<()>),
}

/// # Safety
///
/// `value` came from a `Box<T>` that is not used afterwards.
unsafe fn drop_box<T>(value: NonNull<()>) {
    // SAFETY: the caller's promise. A panic in the destructor of `T` still frees
    // the box.
    drop(unsafe { Box::from_raw(value.as_ptr().cast::<T>()) });
}

impl HostData {
    pub(crate) fn new<T: 'static>(value: T) -> Self {
        Self {
            value: NonNull::from(Box::leak(Box::new(value))).cast(),
            type_id: TypeId::of::<T>(),
            type_name: type_name::<T>(),
            drop: drop_box::<T>,
        }
    }

    pub(crate) const fn type_name(&self) -> &'static str {
        self.type_name
    }

    pub(crate) const fn type_id(&self) -> TypeId {
        self.type_id
    }

    #[inline]
    pub(crate) fn check<T: 'static>(&self) -> Result<(), TypeMismatch> {
        if self.type_id == TypeId::of::<T>() {
            Ok(())
        } else {
            Err(TypeMismatch {
                expected: type_name::<T>(),
                found: self.type_name,
            })
        }
    }

    /// The value; it may be used as a `T` after a successful `check::<T>()`.
    #[inline]
    pub(crate) const fn as_ptr(&self) -> NonNull<()> {
        self.value
    }

    /// The value by itself, or everything back.
    pub(crate) fn into_inner<T: 'static>(self) -> Result<T, (Self, TypeMismatch)> {
        match self.check::<T>() {
            Ok(()) => {
                let this = ManuallyDrop::new(self);
                // SAFETY: `value` came from a `Box<T>` (invariant, and `T` is the
                // type as just checked) and `self` is not dropped.
                Ok(*unsafe { Box::from_raw(this.value.as_ptr().cast::<T>()) })
            }
            Err(mismatch) => Err((self, mismatch)),
        }
    }

    /// The value for a hook.
    pub(crate) fn as_mut(&mut self) -> HostDataMut<'_> {
        HostDataMut(self)
    }
}

impl Drop for HostData {
    fn drop(&mut self) {
        // SAFETY: `drop` was made for `value`, and this is the only place that
        // calls it; `into_inner` does not come here.
        unsafe { (self.drop)(self.value) };
    }
}

impl fmt::Debug for HostData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HostData of type `{}`", self.type_name)
    }
}

/// The host data of a store, for a hook: an exclusive borrow of a value whose
/// type is checked when it is used.
#[derive(Debug)]
pub struct HostDataMut<'a>(&'a mut HostData);

impl HostDataMut<'_> {
    /// The data.
    ///
    /// # Errors
    ///
    /// [`TypeMismatch`] if it is no `T`.
    pub fn get<T: 'static>(&mut self) -> Result<&mut T, TypeMismatch> {
        self.0.check::<T>()?;
        // SAFETY: the value is a `T`, as just checked, and exclusively borrowed
        // together with `self.0`.
        Ok(unsafe { self.0.value.cast::<T>().as_mut() })
    }

    /// The address of the data, whatever its type.
    #[must_use]
    pub fn as_ptr(&mut self) -> *mut () {
        self.0.value.as_ptr()
    }
}
