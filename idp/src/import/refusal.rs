//! Why a whole file is refused before its rows are looked at.

use thiserror::Error;

/// The file cannot be imported at all. The sentence tells the officer what to do.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FileRefused {
    /// Larger than 64 MiB.
    #[error("berkas lebih besar dari 64 MiB; bagi menjadi beberapa berkas")]
    FileTooLarge,
    /// A part larger than 64 MiB unpacked.
    #[error("isi berkas lebih besar dari 64 MiB setelah dibuka; bagi menjadi beberapa berkas")]
    PartTooLarge,
    /// Unpacks to more than 100 times its size.
    #[error("berkas dimampatkan secara tidak wajar (lebih dari 100 kali); simpan ulang dari aplikasi lembar kerja")]
    Ratio,
    /// More parts than any export has.
    #[error("berkas berisi terlalu banyak bagian; simpan ulang sebagai XLSX biasa")]
    TooManyParts,
    /// Neither XLSX nor readable as such.
    #[error("berkas bukan XLSX yang dapat dibaca; simpan ulang sebagai XLSX atau CSV")]
    NotAWorkbook,
    /// Carries macros.
    #[error("berkas berisi makro; simpan ulang sebagai XLSX tanpa makro")]
    Macros,
    /// Reads from other files or servers.
    #[error("berkas berisi tautan ke berkas atau sumber lain; salin nilainya saja ke berkas baru")]
    ExternalLinks,
    /// More than 200,000 rows.
    #[error("berkas berisi lebih dari 200.000 baris; bagi menjadi beberapa berkas")]
    TooManyRows,
    /// No row has the headings this kind needs.
    #[error("baris judul kolom tidak ditemukan; kolom wajib: {0}")]
    NoHeader(String),
    /// A heading stands twice.
    #[error("kolom {0} ada dua kali; hapus salah satunya")]
    DoubleHeading(String),
    /// A CSV whose quoting cannot be read.
    #[error("CSV tidak dapat dibaca pada baris {0}; periksa tanda kutipnya")]
    BrokenCsv(u64),
}

impl FileRefused {
    /// The word for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FileTooLarge => "file_too_large",
            Self::PartTooLarge => "part_too_large",
            Self::Ratio => "compression_ratio",
            Self::TooManyParts => "too_many_parts",
            Self::NotAWorkbook => "not_a_workbook",
            Self::Macros => "macros",
            Self::ExternalLinks => "external_links",
            Self::TooManyRows => "too_many_rows",
            Self::NoHeader(_) => "no_header",
            Self::DoubleHeading(_) => "double_heading",
            Self::BrokenCsv(_) => "broken_csv",
        }
    }
}
