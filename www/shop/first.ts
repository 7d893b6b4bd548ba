/** Runs before the page is painted, so that it never shows in the other theme; it is as short as can be. */
const [, theme] = /[#&]theme=(dark|light)/.exec(location.hash) ?? [];
if (theme) document.documentElement.dataset.theme = theme;
