// Reads server-sent events out of the pieces in which they come. Pure.

/** A reader: `take` a piece, get the events that it completes as `{id, event, data}`. */
export function reader() {
  let rest = "";
  let fields = empty();
  return {
    take(piece) {
      const events = [];
      const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop();
      for (const line of lines) {
        if (line === "") {
          if (fields.data.length > 0) events.push({ ...fields, data: fields.data.join("\n") });
          fields = empty();
        } else {
          read(line, fields);
        }
      }
      return events;
    },
  };
}

function empty() {
  return { id: null, event: "message", data: [] };
}

function read(line, fields) {
  const colon = line.indexOf(":");
  // A comment is a sign of life.
  if (colon === 0) return;
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "data") fields.data.push(value);
  else if (name === "id") fields.id = value;
  else if (name === "event") fields.event = value;
}
