"""The web console: pages at `/console` of the control plane, drawn by NiceGUI.

A page never reads the database.  It asks the admin API, in process, with the credential of whoever signed in
(`api_client`), so that there is one place where rights are decided and one where each figure comes from.  `mount` is
the way in; `registry` lists the pages.
"""
