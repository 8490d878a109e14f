//! Stage 5: customers are told what happened.
