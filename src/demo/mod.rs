//! An embedded fleet of SSH servers that hold a recorded incident.
