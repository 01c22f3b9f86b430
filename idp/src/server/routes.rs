//! The routes of an entrance, which may be replaced while it serves.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;

/// Routes; a cheap clone. A request is answered by those it finds, to its end.
#[derive(Clone)]
pub struct Routes(Arc<ArcSwap<Router>>);

impl Routes {
    /// These, until they are replaced.
    pub fn new(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// From now on, these.
    pub fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    pub(super) fn now(&self) -> Router {
        Router::clone(&self.0.load())
    }
}

impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        Self::new(router)
    }
}
