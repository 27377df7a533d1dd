//! The forms of a user.

use crate::form::{Kind, Spec, control};

pub(super) static NEW: Spec = Spec {
    id: "new",
    title: "",
    intro: "Which of the addresses is needed depends on the connection.",
    controls: &[
        control("connection", "Connection", Kind::Text)
            .required()
            .hint("Where the user proves who they are."),
        control("email", "E-mail address", Kind::Text),
        control("phone_number", "Phone number", Kind::Text).hint("With +, for connections of codes by SMS."),
        control("username", "User name", Kind::Text).hint("For databases that ask for one."),
        control("password", "Password", Kind::Secret).hint("For databases.").autocomplete("new-password"),
        control("name", "Name", Kind::Text),
        control("email_verified", "The e-mail address is verified", Kind::Toggle),
        control("user_metadata", "user_metadata", Kind::Json),
    ],
    submit: "Create user",
};

static PROFILE: Spec = Spec {
    id: "profile",
    title: "Profile",
    intro: "",
    controls: &[
        control("name", "Name", Kind::Text).nullable(),
        control("given_name", "Given name", Kind::Text).nullable(),
        control("family_name", "Family name", Kind::Text).nullable(),
        control("nickname", "Nickname", Kind::Text).nullable(),
        control("picture", "Picture", Kind::Text)
            .mono()
            .nullable()
            .hint("Its address. It is not loaded here."),
    ],
    submit: "Save profile",
};

static ADDRESS: Spec = Spec {
    id: "address",
    title: "E-mail address and password",
    intro: "Of accounts in a database.",
    controls: &[
        control("email", "E-mail address", Kind::Text),
        control("email_verified", "Verified", Kind::Toggle),
    ],
    submit: "Save address",
};

static PASSWORD: Spec = Spec {
    id: "password",
    title: "New password",
    intro: "The user is not told. Their sessions go on.",
    controls: &[control("password", "Password", Kind::Secret).autocomplete("new-password")],
    submit: "Set password",
};

static METADATA: Spec = Spec {
    id: "metadata",
    title: "Metadata",
    intro: "The user can change user_metadata with a token for their own account; app_metadata only administrators, \
            APIs and Actions.",
    controls: &[
        control("user_metadata", "user_metadata", Kind::Merged),
        control("app_metadata", "app_metadata", Kind::Merged),
    ],
    submit: "Save metadata",
};

/// The forms of the profile page.
pub(super) static ALL: &[&Spec] = &[&PROFILE, &METADATA, &ADDRESS, &PASSWORD];

pub(super) static BLOCK: Spec = Spec {
    id: "block",
    title: "Block",
    intro: "Refuses the user at every login.",
    controls: &[],
    submit: "Block user",
};

pub(super) static UNBLOCK: Spec =
    Spec { id: "unblock", title: "Unblock", intro: "", controls: &[], submit: "Unblock user" };

pub(super) static GIVE_ROLE: Spec = Spec {
    id: "role",
    title: "Give a role",
    intro: "",
    controls: &[control("roles", "Role", Kind::Text).required()],
    submit: "Give role",
};
