//! The SDK beside real servers: the stores its sessions may be kept in.

mod session_stores;
