/** The style of carousels and of "Why this?" (docs/BROWSER.md): `import "pocketrank/element.css"`, by a bundler that takes styles. */
export {};
