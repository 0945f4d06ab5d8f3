"""The servers that are measured, behind one interface: Mixee, stock python-socketio, Socket.IO on Node, the floor."""
