"""What clients may do about letters: nothing, for other slices send them."""

from server.routes import Routes

routes = Routes("mail")
