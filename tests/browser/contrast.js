// The contrast of text with what lies under it, by WCAG's formula, for every visible element of a selector:
// [[class or tag, ratio], …].
(selector) => {
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
  const visible = [...document.querySelectorAll(selector)].filter((el) => el.checkVisibility({ opacityProperty: true }));
  return visible.map((el) => [el.className || el.tagName, ratio(el)]);
};
