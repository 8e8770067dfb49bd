// Slack's charts: lines, bars, areas and pies as an SVG of paths, with the names and numbers as text below.

import { h } from "./dom.js";

const WIDTH = 480;
const HEIGHT = 160;

/** A data_visualization block as a figure. */
export function chart(block) {
  const { type, segments, series = [], axis_config: axis } = block.chart;
  const shown =
    type === "pie" ? pie(segments) : { bar: bars, area: areas, line: lines }[type](series, scale(series));
  const names = segments?.map((one) => `${one.label}: ${one.value}`) ?? series.map(withRange);
  return h(
    "figure.chart",
    h("figcaption", block.title),
    h(
      "svg",
      {
        viewBox: type === "pie" ? "-1 -1 2 2" : `0 0 ${WIDTH} ${HEIGHT}`,
        class: `chart-${type}`,
        role: "img",
        "aria-label": `${type} chart: ${block.title}. ${names.join(", ")}`,
      },
      shown.map(({ d, ...how }) => h("path", { d, ...how })),
    ),
    axis && h("div.chart-labels", { "aria-hidden": "true" }, axis.categories.map((name) => h("span", name))),
    h(
      "ul.chart-names",
      names.map((name, i) => h("li", h("i", { class: `colour-${i}`, "aria-hidden": "true" }), name)),
    ),
  );
}

function withRange({ name, data }) {
  const values = data.map((point) => point.value);
  return `${name}: ${Math.min(...values)} to ${Math.max(...values)}`;
}

/** From a value to its height in the picture; zero is always in it. */
function scale(series) {
  const values = series.flatMap((one) => one.data.map((point) => point.value));
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  return (value) => HEIGHT - ((value - low) / (high - low || 1)) * HEIGHT;
}

function bars(series, y) {
  const slot = WIDTH / series[0].data.length;
  const width = (slot * 0.8) / series.length;
  return series.map((one, i) => ({
    class: `colour-${i}`,
    d: one.data
      .map((point, n) => `M${n * slot + slot * 0.1 + i * width},${y(0)}V${y(point.value)}h${width}V${y(0)}Z`)
      .join(""),
  }));
}

function corners(one, y) {
  const slot = WIDTH / one.data.length;
  return one.data.map((point, n) => `${(n + 0.5) * slot},${y(point.value)}`);
}

function lines(series, y) {
  return series.map((one, i) => ({ class: `line colour-${i}`, d: `M${corners(one, y).join("L")}` }));
}

function areas(series, y) {
  return series.map((one, i) => {
    const slot = WIDTH / one.data.length;
    return {
      class: `area colour-${i}`,
      d: `M${slot / 2},${y(0)}L${corners(one, y).join("L")}L${WIDTH - slot / 2},${y(0)}Z`,
    };
  });
}

function pie(segments) {
  const sum = segments.reduce((total, one) => total + one.value, 0);
  let turned = 0;
  const edge = (part) => `${Math.sin(2 * Math.PI * part)},${-Math.cos(2 * Math.PI * part)}`;
  return segments.map((one, i) => {
    const share = one.value / sum;
    const [from, middle, to] = [turned, turned + share / 2, turned + share].map(edge);
    turned += share;
    return { class: `colour-${i}`, d: `M0,0L${from}A1,1 0 0 1 ${middle}A1,1 0 0 1 ${to}Z` };
  });
}
