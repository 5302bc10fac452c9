"""Deliberate faults in what conversations remember of people."""

from mutations.mutation import Mutation

VAULT = "tests/guard/personal/test_vault.py"
STORE = "tests/guard/personal/test_vault_store.py"
API = "tests/console/test_vault_api.py"
SCOPE = "guard/personal/vault/scope.py"
PARTS = "for part in (who.tenant, holder, kind, name):"

MUTATIONS = (
    Mutation("another tenant's tokens mean something", SCOPE, PARTS, "for part in (holder, kind, name):", VAULT),
    Mutation("another user's tokens mean something", SCOPE, PARTS, "for part in (who.tenant, kind, name):", VAULT),
    Mutation("another conversation's tokens mean something", SCOPE, PARTS, "for part in (who.tenant, holder):", VAULT),
    Mutation(
        "a key that is called like a user shares its tokens",
        SCOPE,
        'else f"key:{who.key}"',
        "else user_holder(who.key)",
        VAULT,
    ),
    Mutation(
        "all that a conversation has comes back, whatever stands in the request",
        "guard/personal/vault/turn.py",
        "            tokens.stand(_trusted(request))\n",
        "            tokens.stand_all()\n",
        VAULT,
    ),
    Mutation(
        "a tool's result calls up values",
        "guard/personal/vault/turn.py",
        " if each.trust not in UNTRUSTED)",
        ")",
        VAULT,
    ),
    Mutation(
        "a token in a named conversation is given out though it stands there",
        "guard/personal/masking.py",
        " or tokens.is_of_conversation:\n            tokens.avoid",
        ":\n            tokens.avoid",
        VAULT,
    ),
    Mutation(
        "a token of two values stands for one of them",
        "guard/personal/vault/book.py",
        "    if set(one.spellings).isdisjoint(other.spellings):\n        return False\n",
        "",
        VAULT,
    ),
    Mutation(
        "a late turn counts as if nothing had been issued before",
        "guard/personal/vault/vault.py",
        "self._random.randrange(*_LATE_NUMBERS) if is_blind else None",
        "None",
        STORE,
    ),
    Mutation(
        "what is stored lies open",
        "guard/personal/vault/sealing.py",
        "return nonce + self._key(self._current, scope.tenant).encrypt(nonce, _encode(written), _bound_to(scope))",
        "return nonce + _encode(written)",
        STORE,
    ),
    Mutation(
        "all tenants share a key",
        "guard/personal/vault/sealing.py",
        'info = _INFO + tenant.encode("utf-8", "surrogatepass")',
        "info = _INFO",
        STORE,
    ),
    Mutation(
        "a row opens for another",
        "guard/personal/vault/sealing.py",
        '    return _INFO + b"".join(len(part).to_bytes(4) + part for part in parts)\n',
        '    return _INFO + b"".join(parts[:0])\n',
        STORE,
    ),
    Mutation(
        "an exchange under way writes what was erased",
        "guard/personal/vault/vault.py",
        "                conversation.is_gone = True\n",
        "",
        STORE,
    ),
    Mutation(
        "a process that has not heard of an erasure writes behind it",
        "guard/personal/vault/store.py",
        "WHERE e.place > %(heard)s AND",
        "WHERE false AND",
        STORE,
    ),
    Mutation(
        "what must not be stored is",
        "guard/personal/vault/vault.py",
        "            conversation.may_rest = False\n",
        "            pass\n",
        STORE,
    ),
    Mutation(
        "what has ended is given",
        "guard/personal/vault/link.py",
        "        if row.expires_at <= self._clock.now():\n            return Stored()\n",
        "",
        STORE,
    ),
    Mutation(
        "one of two processes that write at once is lost",
        "guard/personal/vault/link.py",
        "merged = _together(known.written, written)",
        "merged = None",
        STORE,
    ),
    Mutation(
        "a user's erasure takes the tenant's",
        "guard/personal/vault/store.py",
        "WHERE tenant = %s AND (%s::text IS NULL OR holder = %s)",
        "WHERE tenant = %s AND (%s::text IS NULL OR %s <> '')",
        API,
    ),
)
