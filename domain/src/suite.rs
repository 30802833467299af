//! The suite of a scheme: what digests and signatures that leave the house are made with. Its key file says which.

/// A digest and a signature that belong together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Suite {
    /// SHA-256 (FIPS 180-4) and Ed25519 (RFC 8032).
    #[default]
    Standard,
    /// SM3 (GB/T 32905) and SM2 (GB/T 32918.2 on the curve of GB/T 32918.5).
    Shangmi,
}

impl Suite {
    pub const ALL: [Self; 2] = [Self::Standard, Self::Shangmi];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Shangmi => "shangmi",
        }
    }
}
