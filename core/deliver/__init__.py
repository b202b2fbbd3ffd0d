"""Where messages go: mail, chats and webhooks, each with its protocol and limits; and hubs that notify subscribers."""
