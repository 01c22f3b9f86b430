//! From the legal status in the personnel record (kedudukan hukum) to the account's status
//! (domain: identifiers-and-hr-data section 3.6).

use crate::identity::Status;

/// What a legal status means for the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegalStatus {
    /// The account's status.
    pub status: Status,
    /// Whether it takes effect at the date the record gives (TMT), not at once.
    pub at_effective_date: bool,
}

/// The table. `None`: an officer must decide (the import queues the person).
pub fn of_legal_status(text: &str) -> Option<LegalStatus> {
    let word = text.trim().to_lowercase();
    let now = |status| Some(LegalStatus { status, at_effective_date: false });
    let at_tmt = |status| Some(LegalStatus { status, at_effective_date: true });
    match word.as_str() {
        "aktif" | "mutasi masuk" | "mutasi antar-opd" | "masa persiapan pensiun" | "mpp" => now(Status::Active),
        _ if word.starts_with("cuti") && !word.contains("luar tanggungan") => now(Status::Active),
        "cltn" | "perpanjangan cltn" | "cuti di luar tanggungan negara" | "cuti luar tanggungan negara" => {
            now(Status::Limited)
        }
        "tugas belajar" => now(Status::Limited),
        "pemberhentian sementara" | "hilang" | "wajib militer" => now(Status::Suspended),
        "pensiun" | "akhir kontrak" | "mutasi keluar" => at_tmt(Status::Closed),
        "meninggal" | "meninggal dunia" | "diberhentikan" => now(Status::Closed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_legal_status_has_its_account_status() {
        for (word, status, at_tmt) in [
            ("Aktif", Status::Active, false),
            ("Cuti besar", Status::Active, false),
            ("Cuti melahirkan", Status::Active, false),
            ("CLTN", Status::Limited, false),
            ("Perpanjangan CLTN", Status::Limited, false),
            ("Cuti di luar tanggungan negara", Status::Limited, false),
            ("Tugas belajar", Status::Limited, false),
            ("Pemberhentian sementara", Status::Suspended, false),
            ("Wajib militer", Status::Suspended, false),
            ("Pensiun", Status::Closed, true),
            ("Mutasi keluar", Status::Closed, true),
            ("Meninggal", Status::Closed, false),
            ("Diberhentikan", Status::Closed, false),
        ] {
            assert_eq!(of_legal_status(word), Some(LegalStatus { status, at_effective_date: at_tmt }), "{word}");
        }
        for unknown in ["???", "", "aktif sekali"] {
            assert_eq!(of_legal_status(unknown), None, "{unknown}");
        }
    }
}
