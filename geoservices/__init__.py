"""Presence at public places, and who is told what because of it.

A ping or a check-in comes in. It is screened, matched against the watched geofences, and followed
as a visit; the visit's transitions leave through the outbox. Campaigns decide on each transition
and check-in, with a recorded reason, and make notifications; each notification is delivered to
the browsers its person subscribed.
"""
