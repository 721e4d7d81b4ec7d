// The axis of time: how far it goes, and where its ticks are. Pure.

const STEPS = [1, 2, 2.5, 5, 10];

/** A step of a round size, so that some `wanted` of them make `span`. */
function stepOf(span, wanted) {
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  return STEPS.find((step) => step * power >= rough * 0.999) * power;
}

/** An axis that holds `longest`, ends on a round number, and so doesn't move with every moment that passes. */
export function axisOf(longest) {
  const span = Math.max(longest, 1);
  // Twenty steps: at most a twentieth of the room is empty.
  const step = stepOf(span, 20);
  return { from: 0, to: Math.ceil((span * 1.001) / step) * step };
}

/** The ticks of an axis, some `wanted` of them: `{at, label, part}`, all in one unit. */
export function ticksOf(axis, wanted) {
  const step = stepOf(axis.to - axis.from, wanted);
  const write = labels(axis.to, step);
  const ticks = [];
  for (let n = Math.ceil(axis.from / step); n * step <= axis.to * 1.0001; n += 1) {
    const at = n * step;
    ticks.push({ at, label: write(at), part: (at - axis.from) / (axis.to - axis.from) });
  }
  return ticks;
}

function labels(longest, step) {
  const places = (unit) => Math.max(0, Math.min(3, -Math.floor(Math.log10(step / unit) + 1e-9)));
  const fit = (value, unit) => Number(value.toFixed(places(unit) + 1)).toString();
  if (longest < 2000) return (at) => (at === 0 ? "0" : `${fit(at, 1)} ms`);
  if (longest < 180_000) return (at) => (at === 0 ? "0" : `${fit(at / 1000, 1000)} s`);
  return (at) => {
    const whole = Math.round(at / 1000);
    const seconds = String(whole % 60).padStart(2, "0");
    return at === 0 ? "0" : `${Math.floor(whole / 60)}:${seconds} min`;
  };
}
