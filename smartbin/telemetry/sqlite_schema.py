"""Tables of the embedded store: facts keyed by identity, roll-ups kept by triggers.

Triggers fire on *newly inserted* rows only (a duplicate is ignored before they run), so the
roll-ups are exact however often a fact is appended, and statistics cost by days, not by deposits.
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS level (
  device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
  level_pct INTEGER, fault TEXT, seq INTEGER, day INTEGER NOT NULL, hour_bit INTEGER NOT NULL,
  PRIMARY KEY (device, door, at_us)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS deposit (
  device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
  weight_g INTEGER NOT NULL, verdict TEXT, judge TEXT, item TEXT, seq INTEGER,
  day INTEGER NOT NULL, hour_bit INTEGER NOT NULL,
  PRIMARY KEY (device, door, at_us)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS collection (
  device TEXT NOT NULL, door TEXT NOT NULL, at_us INTEGER NOT NULL,
  gross_g INTEGER NOT NULL, tare_g INTEGER NOT NULL, crew TEXT, seq INTEGER,
  day INTEGER NOT NULL, hour_bit INTEGER NOT NULL,
  PRIMARY KEY (device, door, at_us)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS status (
  device TEXT NOT NULL, at_us INTEGER NOT NULL, state TEXT NOT NULL,
  battery_pct INTEGER, voltage_mv INTEGER, rssi_dbm INTEGER, temperature_c INTEGER, firmware TEXT,
  seq INTEGER, day INTEGER NOT NULL, hour_bit INTEGER NOT NULL,
  PRIMARY KEY (device, at_us)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS alarm (
  device TEXT NOT NULL, door TEXT NOT NULL, type TEXT NOT NULL, at_us INTEGER NOT NULL,
  active INTEGER NOT NULL, seq INTEGER, day INTEGER NOT NULL, hour_bit INTEGER NOT NULL,
  PRIMARY KEY (device, door, type, at_us)) WITHOUT ROWID, STRICT;

CREATE TABLE IF NOT EXISTS deposit_day (
  device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL, deposits INTEGER NOT NULL,
  weight_g INTEGER NOT NULL, judged INTEGER NOT NULL, correct INTEGER NOT NULL,
  PRIMARY KEY (device, door, day)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS item_day (
  device TEXT NOT NULL, door TEXT NOT NULL, day INTEGER NOT NULL, item TEXT NOT NULL,
  deposits INTEGER NOT NULL, weight_g INTEGER NOT NULL,
  PRIMARY KEY (device, door, day, item)) WITHOUT ROWID, STRICT;
CREATE TABLE IF NOT EXISTS presence (
  device TEXT NOT NULL, day INTEGER NOT NULL, hours INTEGER NOT NULL, messages INTEGER NOT NULL,
  seq_min INTEGER NOT NULL, seq_max INTEGER NOT NULL,
  PRIMARY KEY (device, day)) WITHOUT ROWID, STRICT;

CREATE TRIGGER IF NOT EXISTS deposit_rolls_up AFTER INSERT ON deposit BEGIN
  INSERT INTO deposit_day VALUES (NEW.device, NEW.door, NEW.day, 1, NEW.weight_g,
    NEW.verdict IS NOT NULL, NEW.verdict IS 'correct')
  ON CONFLICT DO UPDATE SET deposits = deposits + 1, weight_g = weight_g + excluded.weight_g,
    judged = judged + excluded.judged, correct = correct + excluded.correct;
END;
CREATE TRIGGER IF NOT EXISTS item_rolls_up AFTER INSERT ON deposit WHEN NEW.item IS NOT NULL BEGIN
  INSERT INTO item_day VALUES (NEW.device, NEW.door, NEW.day, NEW.item, 1, NEW.weight_g)
  ON CONFLICT DO UPDATE SET deposits = deposits + 1, weight_g = weight_g + excluded.weight_g;
END;
""" + "".join(
    f"""
CREATE TRIGGER IF NOT EXISTS {table}_is_heard AFTER INSERT ON {table}
WHEN NEW.seq IS NOT NULL BEGIN
  INSERT INTO presence VALUES (NEW.device, NEW.day, NEW.hour_bit, 1, NEW.seq, NEW.seq)
  ON CONFLICT DO UPDATE SET hours = hours | excluded.hours, messages = messages + 1,
    seq_min = min(seq_min, excluded.seq_min), seq_max = max(seq_max, excluded.seq_max);
END;"""
    for table in ("level", "deposit", "collection", "status", "alarm")
)
