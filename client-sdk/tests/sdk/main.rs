//! The library against an OpenID provider of the test's own, and against its attackers.

#[cfg(test)]
mod api;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod browser;
#[cfg(test)]
mod logout;
#[cfg(test)]
mod machines;
#[cfg(test)]
mod person;
#[cfg(test)]
mod provider;
#[cfg(test)]
mod renew;
#[cfg(test)]
mod second_provider;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod start;
