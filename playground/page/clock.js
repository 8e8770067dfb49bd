// Formats Slack's ts strings as times, dates and distances.

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", month: "long", day: "numeric" });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "medium" });
const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

export function moment(ts) {
  return new Date(Number(ts) * 1000);
}

export function timeOf(ts) {
  return TIME.format(moment(ts));
}

export function fullTimeOf(ts) {
  return FULL.format(moment(ts));
}

export function dayOf(ts) {
  return moment(ts).toDateString();
}

export function dayName(ts) {
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - moment(ts).setHours(0, 0, 0, 0)) / 86400000);
  if (days === 0) return "Today";
  return days === 1 ? "Yesterday" : DAY.format(moment(ts));
}

export function ago(ts) {
  const seconds = Date.now() / 1000 - Number(ts);
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? [];
  return unit ? RELATIVE.format(-Math.floor(seconds / size), unit) : "just now";
}

/** A date in Slack's own format string: {date}, {date_short}, {date_long}, {time}, {ago} and their like. */
export function slackDate(seconds, format) {
  const when = moment(seconds);
  return format.replace(/\{(\w+)\}/g, (_, token) => {
    if (token.startsWith("time")) return TIME.format(when);
    return token === "ago" ? ago(seconds) : when.toLocaleDateString();
  });
}
