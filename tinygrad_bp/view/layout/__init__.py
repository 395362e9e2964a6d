"""Where everything of a picture is: a layered layout of our own, for any format that draws it."""
