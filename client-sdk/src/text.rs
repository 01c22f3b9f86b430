//! The sentences a person reads, in Bahasa Indonesia and English.

/// One sentence in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// Bahasa Indonesia; shown first.
    pub id: &'static str,
    /// English; behind the switch.
    pub en: &'static str,
}

impl Text {
    pub(crate) const UNREACHABLE: Self = Self {
        id: "Layanan masuk sedang tidak dapat dihubungi. Coba lagi beberapa saat lagi; pekerjaan Anda tidak dihapus.",
        en: "The sign-in service cannot be reached. Try again in a moment; nothing of yours was removed.",
    };
    pub(crate) const NOT_BEGUN_HERE: Self = Self {
        id: "Proses masuk ini tidak dimulai di peramban ini, atau sudah lewat sepuluh menit. Mulai lagi dari aplikasi.",
        en: "This sign-in was not started in this browser, or more than ten minutes ago. Start again from the application.",
    };
    pub(crate) const ACCESS_DENIED: Self = Self {
        id: "Anda belum diberi akses ke aplikasi ini, atau proses masuk dibatalkan.",
        en: "You have no access to this application, or the sign-in was cancelled.",
    };
    pub(crate) const SIGN_IN_FAILED: Self = Self {
        id: "Proses masuk tidak berhasil diselesaikan. Mulai lagi; jika berulang, sampaikan kode di bawah kepada petugas.",
        en: "The sign-in could not be completed. Start again; if it happens again, give the code below to your help desk.",
    };
    pub(crate) const MISCONFIGURED: Self = Self {
        id: "Aplikasi ini belum tersambung dengan benar ke layanan masuk. Sampaikan kode di bawah kepada pengelola aplikasi.",
        en: "This application is not connected to the sign-in service correctly. Give the code below to its maintainer.",
    };
    pub(crate) const FOREIGN_POST: Self = Self {
        id: "Permintaan ini tidak berasal dari halaman aplikasi ini, sehingga tidak dijalankan.",
        en: "This request did not come from a page of this application, so it was not carried out.",
    };
    pub(crate) const SESSION_OVER: Self = Self {
        id: "Sesi Anda telah berakhir, sehingga isian belum dikirim. Masuk lagi, lalu kembali ke halaman isian dan kirim ulang.",
        en: "Your session has ended, so what you entered was not sent. Sign in again, return to the form and send it again.",
    };
    pub(crate) const TYPED_DATA_KEPT: Self = Self {
        id: "Sesi Anda telah berakhir, sehingga isian belum dikirim. Isian Anda masih tersimpan di halaman ini: masuk lagi di tab baru, lalu tekan Kirim ulang.",
        en: "Your session has ended, so what you entered was not sent. It is still kept on this page: sign in again in a new tab, then press Send again.",
    };
    pub(crate) const ROLE_MISSING: Self = Self {
        id: "Halaman ini hanya untuk pemegang peran yang disebut di bawah, dan akun Anda tidak memegangnya.",
        en: "This page is only for holders of the role named below, and your account does not hold it.",
    };
    pub(crate) const ASK_SIGN_OUT: Self = Self {
        id: "Keluar dari aplikasi ini dan dari semua aplikasi yang Anda masuki dengan akun yang sama?",
        en: "Sign out of this application and of every application you entered with the same account?",
    };
}
