-- Which assistant's answer a remark is about: written beside it once the ledger has the exchange, since to look each one up
-- takes longer the more months the ledger has.
ALTER TABLE remarks ADD COLUMN assistant text;
UPDATE remarks AS r SET assistant = l.model FROM ledger AS l WHERE l.id = r.exchange AND l.tenant = r.tenant;
CREATE INDEX remarks_waiting ON remarks (at) WHERE assistant IS NULL;
