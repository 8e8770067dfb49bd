// Creates and updates elements: takes descriptions and makes the smallest change to the document.
// Text becomes text nodes only: there is no path to innerHTML. A URL that is neither http(s) nor our own is
// dropped, so a message can't run anything.

const SVG = "http://www.w3.org/2000/svg";
const SVG_TAGS = new Set(["svg", "use", "path", "circle"]);
const LIVE_PROPERTIES = new Set(["value", "checked", "selected", "disabled", "open"]);
let mounted = [];

/** Describe an element: h("div.card", {onclick}, "text", h("b", "more")). Falsy children are left out. */
export function h(spec, ...rest) {
  const props = isProps(rest[0]) ? rest.shift() : {};
  const [tag, ...classes] = spec.split(".");
  const all = [...classes, props.class].filter(Boolean).join(" ");
  return { tag, key: props.key, props: all ? { ...props, class: all } : props, children: flat(rest, []) };
}

/** A part that is redrawn only if one of `deps` changed (compared by identity). */
export function lazy(key, deps, draw) {
  return { lazy: true, key, deps, draw };
}

/** An icon from our sprite, hidden from assistive technology: the control around it has the label. */
export function icon(name, extra = "") {
  return h(
    "svg",
    { class: `icon ${extra}`, "aria-hidden": "true" },
    h("use", { href: `/page/icons.svg#${name}` }),
  );
}

/** The URL if it is http(s) or of this origin, else null. */
export function safeAddress(address) {
  try {
    const url = new URL(address, location.href);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null; // not a URL: the caller shows its text instead
  }
}

/** Make `root` contain exactly `nodes`. */
export function paint(root, nodes) {
  const next = flat([nodes], []);
  reconcile(root, root.painted ?? [], next);
  root.painted = next;
  const ready = mounted;
  mounted = [];
  for (const [ref, el] of ready) ref(el);
}

function isProps(value) {
  return value !== null && typeof value === "object" && !Array.isArray(value) && !isNode(value);
}

function isNode(value) {
  return "children" in value || "lazy" in value || "text" in value;
}

function flat(children, out) {
  for (const child of children) {
    if (child === null || child === undefined || child === false || child === true) continue;
    if (Array.isArray(child)) flat(child, out);
    else out.push(typeof child === "object" ? child : { text: String(child) });
  }
  return out;
}

function create(node) {
  if (node.lazy) {
    node.drawn = node.draw();
    return (node.el = create(node.drawn));
  }
  if (node.tag === undefined) return (node.el = document.createTextNode(node.text));
  const el = SVG_TAGS.has(node.tag)
    ? document.createElementNS(SVG, node.tag)
    : document.createElement(node.tag);
  node.el = el;
  for (const child of node.children) el.append(create(child));
  setProps(el, {}, node.props);
  if (node.props.ref) mounted.push([node.props.ref, el]);
  return el;
}

function update(old, node) {
  if (node.lazy) return updateLazy(old, node);
  node.el = old.el;
  if (node.tag === undefined) {
    if (node.text !== old.text) node.el.data = node.text;
    return node.el;
  }
  reconcile(node.el, old.children, node.children);
  setProps(node.el, old.props, node.props);
  return node.el;
}

function updateLazy(old, node) {
  if (node.deps.length === old.deps.length && node.deps.every((dep, i) => Object.is(dep, old.deps[i]))) {
    node.drawn = old.drawn;
    return (node.el = old.el);
  }
  node.drawn = node.draw();
  if (kind(node.drawn) === kind(old.drawn)) return (node.el = update(old.drawn, node.drawn));
  const fresh = create(node.drawn);
  old.el.replaceWith(fresh);
  return (node.el = fresh);
}

function kind(node) {
  return node.lazy ? "lazy" : (node.tag ?? "#text");
}

function slots(nodes) {
  const seen = new Map();
  return nodes.map((node) => {
    if (node.key !== undefined) return `${kind(node)}=${node.key}`;
    const nth = seen.get(kind(node)) ?? 0;
    seen.set(kind(node), nth + 1);
    return `${kind(node)}#${nth}`;
  });
}

function reconcile(el, olds, nodes) {
  const names = slots(olds);
  const pool = new Map(olds.map((old, i) => [names[i], old]));
  slots(nodes).forEach((name, i) => {
    const old = pool.get(name);
    if (old) pool.delete(name);
    nodes[i].el = old ? update(old, nodes[i]) : create(nodes[i]);
  });
  for (const left of pool.values()) left.el.remove();
  let cursor = el.firstChild;
  for (const node of nodes) {
    if (node.el === cursor) cursor = cursor.nextSibling;
    else el.insertBefore(node.el, cursor);
  }
}

function setProps(el, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) setProp(el, name, before[name], undefined);
  for (const name of Object.keys(after)) setProp(el, name, before[name], after[name]);
}

function setProp(el, name, before, value) {
  if (name === "key" || name === "ref") return;
  if (name.startsWith("on")) setListener(el, name.slice(2), value);
  else if (name === "style") setStyle(el, before ?? {}, value ?? {});
  else if (LIVE_PROPERTIES.has(name)) setLive(el, name, value);
  else if (before !== value) setAttribute(el, name, value);
}

/** A listener and not a handler property: a property's `false` would stop the event. */
function setListener(el, type, listener) {
  el.heard ??= {};
  if (!(type in el.heard)) el.addEventListener(type, (event) => el.heard[type]?.(event));
  el.heard[type] = listener;
}

function setLive(el, name, value) {
  const wanted = value ?? (name === "value" ? "" : false);
  if (el[name] !== wanted) el[name] = wanted;
}

function setStyle(el, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) el.style.removeProperty(name);
  for (const [name, value] of Object.entries(after))
    if (before[name] !== value) el.style.setProperty(name, value);
}

function setAttribute(el, name, value) {
  const text = name.startsWith("aria-") && typeof value === "boolean" ? String(value) : value;
  const guarded =
    name === "href" || name === "src" ? text && (text.startsWith("#") ? text : safeAddress(text)) : text;
  if (guarded === undefined || guarded === null || guarded === false) el.removeAttribute(name);
  else el.setAttribute(name, guarded === true ? "" : guarded);
}
