/** Runs before the page is painted, so that it never shows in the other theme; as short as can be, and without a name of its own on the page. */
for (const theme of ["light", "dark"]) {
  if (location.hash.includes(`theme=${theme}`)) document.documentElement.dataset.theme = theme;
}
