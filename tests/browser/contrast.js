// The contrast of text with what lies under it, by WCAG's formula, for every visible element with text of its
// own that is not disabled: [[class or tag, text, ratio], …].
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d");
  const over = (color, under) => {
    for (canvas.fillStyle of [under, color]) canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
    return `rgb(${r} ${g} ${b})`;
  };
  const linear = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (color) => {
    const [r, g, b] = color.match(/[0-9]+/g).map((value) => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (el) =>
    el ? over(getComputedStyle(el).backgroundColor, groundOf(el.parentElement)) : "rgb(255 255 255)";
  const ratio = (el) => {
    const under = groundOf(el);
    const [high, low] = [luminance(over(getComputedStyle(el).color, under)), luminance(under)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const own = (el) => [...el.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const isText = (el) =>
    own(el).length &&
    el.checkVisibility({ opacityProperty: true, visibilityProperty: true }) &&
    !el.closest(":disabled, [aria-hidden=true], .unseen, noscript");
  const texts = [...document.body.querySelectorAll("*")].filter(isText);
  return texts.map((el) => [el.getAttribute("class") ?? el.tagName, own(el)[0].data.slice(0, 40), ratio(el)]);
};
