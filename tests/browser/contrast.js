// The texts of an element that are harder to read than 4.5 to 1 (WCAG 2.2, 1.4.3), each with its ratio.
(root) => {
    const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    // Canvas turns every colour that CSS knows into red, green, blue and how opaque it is.
    const parts = (color) => {
        context.clearRect(0, 0, 1, 1);
        context.fillStyle = color;
        context.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
        return { rgb: [r, g, b], opaque: a / 255 };
    };
    const over = (above, below, opaque) => above.map((value, i) => value * opaque + below[i] * (1 - opaque));
    const luminance = (rgb) => {
        const linear = rgb.map((value) => {
            const part = value / 255;
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (element) => {
        const above = element.parentElement ? behind(element.parentElement) : [255, 255, 255];
        const { rgb, opaque } = parts(getComputedStyle(element).backgroundColor);
        return over(rgb, above, opaque);
    };
    const faintness = (element) =>
        element ? Number(getComputedStyle(element).opacity) * faintness(element.parentElement) : 1;
    const found = [];
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const element = texts.currentNode.parentElement;
        const text = texts.currentNode.data.trim();
        if (!text || !element.checkVisibility() || element.closest("style, title, desc")) continue;
        const style = getComputedStyle(element);
        const below = behind(element);
        const { rgb, opaque } = parts(element instanceof SVGElement ? style.fill : style.color);
        const seen = over(rgb, below, opaque * faintness(element));
        const [dark, light] = [luminance(seen), luminance(below)].sort((a, b) => a - b);
        const ratio = (light + 0.05) / (dark + 0.05);
        found.push({ text, ratio: Math.round(ratio * 100) / 100 });
    }
    return found;
}
