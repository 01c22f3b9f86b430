//! People: one account each (S0 Pasal 31A(1)), its kinds and states, and their signed-in browsers.

mod contact;
mod employee_number;
mod legal_status;
mod login_name;
mod nik;
pub mod password;
mod session;
pub mod throttle;
mod user;

pub use contact::{Email, normalize_phone};
pub use employee_number::{EmployeeNumber, EmployeeNumberError, NumberLayout, NumberWarning, RecordFacts};
pub use legal_status::{LegalStatus, of_legal_status};
pub use login_name::{LoginName, LoginNameKind};
pub use nik::Nik;
pub use session::{Session, SessionEnd};
pub use throttle::Throttle;
pub use user::{Gender, PersonName, Status, User, UserKind};
