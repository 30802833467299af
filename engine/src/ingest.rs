//! Reading what terminals uploaded.
