"""Who is signed in: sessions that live on the server, and the two ways into one."""
