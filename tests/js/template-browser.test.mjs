/** What templates make of hostile values, as Chromium reads it: nothing runs, no element and no attribute comes or goes; and the browser's script makes the same of them. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { launchChromium } from "./support/chromium.mjs";
import { bundleInner, renderNatively } from "./support/templates.mjs";

/** A template for each context that takes a value. */
const CONTEXTS = {
  text: "<p>{{x}}</p>",
  "text alone": "{{x}}",
  "text around elements": "{{x}}<b>{{x}}</b>{{x}}",
  "text in a list": "<ul>{{#list}}<li>{{.}}</li>{{/list}}</ul>",
  "a double quote": '<p title="{{x}}" class="a {{x}}" id="{{x}}" lang="{{x}}" aria-label="{{x}}" data-x="{{x}}">x</p>',
  "a single quote": "<p title='{{x}}' data-x='{{x}}{{x}}'>x</p>",
  "a part of a value": '<p data-x="a{{x}}b" {{#x}}title="{{x}}"{{/x}}{{^x}}title="x"{{/x}}>x</p>',
  "a link": '<a href="{{x}}">x</a><a href=\'{{x}}\'>x</a><map><area href="{{x}}"></map>',
  "a link's parts": '<a href="/p/{{x}}?q={{x}}&amp;r={{x}}#{{x}}">x</a><a href="https://{{x}}/">x</a><a href="mailto:{{x}}">x</a><a href="?{{x}}">x</a>',
  "a link and more": '<a href="{{x}}{{x}}">x</a><a href="{{x}}/{{x}}">x</a><a href="{{x}}?q={{x}}">x</a><a href="{{x}}#{{x}}">x</a><a href="  {{x}}">x</a>',
  "a picture": '<img src="{{x}}" srcset="{{x}} 1x, /b/{{x}}.png 2x" alt="{{x}}"><picture><source srcset="{{x}}"><img src="/a.png" alt=""></picture>',
  "a film": '<video src="{{x}}" poster="{{x}}"><track src="{{x}}"></video><audio src="{{x}}"></audio>',
  "a form": '<form action="{{x}}"><button formaction="{{x}}">x</button><input type="image" src="{{x}}" value="{{x}}" placeholder="{{x}}" formaction="{{x}}"><textarea>{{x}}</textarea><select><option value="{{x}}">{{x}}</option></select></form>',
  "a ping": '<a href="/x" ping="{{x}} /y/{{x}}">x</a>',
  "a drawing": '<svg viewBox="0 0 8 8"><title>{{x}}</title><a href="{{x}}" xlink:href="{{x}}"><text x="{{x}}">{{x}}</text></a><image href="{{x}}" xlink:href="{{x}}"/></svg>',
  "addresses for scripts": '<p data-url="{{x}}" data-image-src="{{x}}" data-href="{{x}}" data-srcset="{{x}}">x</p>',
  quotations: '<blockquote cite="{{x}}">{{x}}</blockquote><q cite="{{x}}">x</q>',
  "a title": "<title>{{x}}</title>",
  "a table": '<table><tbody><tr><td headers="{{x}}">{{x}}</td></tr></tbody></table>',
};

/** Each of them tells the page if it runs. */
const HOSTILE = [
  "<script>xss()</script>",
  '"><script>xss()</script>',
  "'><script>xss()</script>",
  "</p></title></textarea></svg></select></style><script>xss()</script>",
  "--><script>xss()</script>",
  "]]><script>xss()</script>",
  "<img src=x onerror=xss()>",
  '"><img src=x onerror=xss()>',
  "'><img src=x onerror=xss()>",
  '" onmouseover="xss()" onfocus="xss()" autofocus="" tabindex="1" x="',
  "' onmouseover='xss()' onfocus='xss()' autofocus='' x='",
  "` onerror=xss() `",
  " onerror=xss() ",
  "x\u000conerror=xss()",
  "<svg onload=xss()>",
  "<svg><animate onbegin=xss() attributeName=x dur=1s>",
  "<svg><script>xss()</script></svg>",
  "<math><mtext></p><img src=x onerror=xss()>",
  "<iframe src=javascript:parent.xss()></iframe>",
  '<iframe srcdoc="<script>parent.xss()</script>"></iframe>',
  "<object data=javascript:parent.xss()></object>",
  "<base href=javascript:xss()//>",
  "<meta http-equiv=refresh content=0;url=javascript:xss()>",
  "<link rel=stylesheet href=data:text/css,*{}>",
  "<body onload=xss()>",
  "<details open ontoggle=xss()>",
  "<noscript><p title=\"</noscript><img src=x onerror=xss()>\">",
  "<template><script>xss()</script></template>",
  "javascript:xss()",
  "JaVaScRiPt:xss()",
  " javascript:xss()",
  "\tjavascript:xss()",
  "\u0000javascript:xss()",
  "\u0001javascript:xss()",
  "java\tscript:xss()",
  "java\nscript:xss()",
  "java\rscript:xss()",
  "javascript\t:xss()",
  "javascript&colon;xss()",
  "javascript&#58;xss()",
  "javascript&#x3a;xss()",
  "&#106;avascript:xss()",
  "&Tab;javascript:xss()",
  "javascript%3Axss()",
  "%6aavascript:xss()",
  "javascript://%0axss()",
  "javascript:/*/xss()",
  "javascript:xss()//?#/",
  "x:javascript:xss()",
  "data:text/html,<script>parent.xss()</script>",
  "data:text/html;base64,PHNjcmlwdD5wYXJlbnQueHNzKCk8L3NjcmlwdD4=",
  "DATA:text/html,<script>opener.xss()</script>",
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' onload='parent.xss()'/>",
  "vbscript:xss()",
  "blob:null/xss()",
  "filesystem:xss()",
  "view-source:javascript:xss()",
  "feed:javascript:xss()",
  "//x.invalid/\"><script>xss()</script>",
  "/x.png 1x, javascript:xss() 2x",
  "/x.png, data:image/svg+xml,<svg onload=xss()> 2x",
  "\ufeffjavascript:xss()",
  "\u2028javascript:xss()",
  "\u00a0javascript:xss()",
  "{{constructor.constructor('xss()')()}}",
  "${xss()}",
  "\\\"><script>xss()</script>",
  "\\u003cscript\\u003exss()\\u003c/script\\u003e",
  "&lt;script&gt;xss()&lt;/script&gt;",
  "&amp;lt;script>xss()",
  "+ADw-script+AD4-xss()+ADw-/script+AD4-",
  "<\u0000script>xss()</script>",
  "<scr\u0000ipt>xss()</scr\u0000ipt>",
  "\ud800<script>xss()</script>",
  "%22%3E%3Cscript%3Exss()%3C/script%3E",
  "expression(xss())",
  "url(javascript:xss())",
  "</script><script>xss()</script>",
  "<!--<script>xss()</script>",
  "<![CDATA[<script>xss()</script>]]>",
  "<?xml-stylesheet href=javascript:xss()?>",
  "<a href=javascript:xss()>",
  "<form action=javascript:xss()><input type=submit>",
];

const names = Object.keys(CONTEXTS).map((_, at) => `context-${at}`);
const templates = Object.fromEntries(Object.values(CONTEXTS).map((text, at) => [`context-${at}`, text]));

/** What every context makes of a value on the command line, and what the templates are compiled to. @param {string[]} values */
function filled(values) {
  const lines = values.flatMap((x) => names.map((template) => ({ template, data: { x, list: [x, x] } })));
  const { html, section } = renderNatively(templates, lines, 'x = "text"\nlist = "text"\n');
  /** By value, then by context. */
  const rendered = values.map((_, at) => html.slice(at * names.length, (at + 1) * names.length));
  return { rendered, section };
}

describe("hostile values", () => {
  /** @type {import("playwright-core").Browser} */
  let browser;
  /** @type {import("playwright-core").Page} */
  let page;
  before(async () => {
    browser = await launchChromium();
    page = await browser.newPage();
    await page.route("**/*", (route) => route.fulfill({ body: route.request().isNavigationRequest() ? "<!doctype html><title>x</title>" : "", contentType: "text/html" }));
  });
  after(() => browser.close());

  it("run nothing in any context, when a page is loaded with them and everything in it is pressed", async () => {
    const { rendered } = filled(HOSTILE.map((text) => text.replace(/[\ud800-\udfff]/g, "\ufffd")));
    let ran = 0;
    await page.exposeFunction("told", () => (ran += 1));
    await page.addInitScript(() => {
      const note = () => /** @type {any} */ (window).told();
      Object.assign(window, { xss: note, alert: note, confirm: note, prompt: note });
      for (const type of ["click", "submit", "auxclick"]) {
        // Links lead nowhere, but those that run script.
        addEventListener(type, (event) => {
          const link = event.target instanceof Element ? event.target.closest("a, area") : null;
          const address = link?.getAttribute("href") ?? link?.getAttribute("xlink:href") ?? "";
          const runs = URL.canParse(address, document.baseURI) && new URL(address, document.baseURI).protocol === "javascript:";
          if (!runs) event.preventDefault();
        });
      }
    });
    for (const group of rendered) {
      // Each in a place of its own, where one that broke out would be found.
      const body = group.map((html) => `<div class="place">${html}</div>`).join("\n");
      await page.route("http://shop.invalid/page", (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: `<!doctype html><html lang="en"><body>${body}</body></html>` }));
      await page.goto("http://shop.invalid/page", { waitUntil: "load" });
      await page.evaluate(() => {
        for (const element of document.querySelectorAll("body *")) {
          for (const type of ["mouseover", "focus", "toggle", "error", "load"]) element.dispatchEvent(new Event(type));
          if (element instanceof HTMLElement && !(element instanceof HTMLInputElement)) element.click();
        }
      });
      const schemes = await page.evaluate(() => {
        const found = [];
        for (const element of document.querySelectorAll("body *")) {
          for (const { name, value } of element.attributes) {
            if (/^(href|xlink:href|src|action|formaction|poster|cite|ping|srcset|data-(url|href|image-src|srcset))$/.test(name)) {
              const first = value.trim().split(/[\s,]/)[0] ?? "";
              if (first && URL.canParse(first, document.baseURI)) found.push(new URL(first, document.baseURI).protocol);
            }
          }
        }
        return [...new Set(found)];
      });
      assert.deepEqual(schemes.filter((scheme) => !["http:", "https:", "mailto:"].includes(scheme)), []);
      assert.equal(page.url(), "http://shop.invalid/page");
      await page.unroute("http://shop.invalid/page");
    }
    // A page that is left runs nothing any more.
    await page.waitForTimeout(100);
    assert.equal(ran, 0);
    // That the page does tell.
    await page.evaluate(() => {
      const probe = document.createElement("div");
      probe.innerHTML = '<img src="data:," onerror="xss()"><a href="javascript:xss()">x</a>';
      document.body.append(probe);
      probe.querySelector("a")?.click();
    });
    for (let tries = 0; ran < 2 && tries < 100; tries += 1) await page.waitForTimeout(20);
    assert.equal(ran, 2);
  });

  it("leave exactly the elements and attributes of the template, and so do any others", async () => {
    let state = 1;
    const random = (/** @type {number} */ n) => (state = (state * 48271) % 2147483647) % n;
    const letters = [..."<>\"'&/=; :#?,%{}()!-`\\\t\n\r\u0000\u000b\u000c\u00a0\u2028aAxscript😀"];
    const any = Array.from({ length: 300 }, () => Array.from({ length: 1 + random(24) }, () => letters[random(letters.length)]).join(""));
    const values = [...HOSTILE.map((text) => text.replace(/[\ud800-\udfff]/g, "\ufffd")), ...any];
    const plain = /** @type {string[]} */ (filled(["x"]).rendered[0]);
    const { rendered, section } = filled(values);
    const script = await bundleInner("iife");
    await page.goto("http://shop.invalid/other");
    await page.evaluate(`${script};window.inner = inner`);
    const differ = await page.evaluate(
      ({ plain, rendered, values, names, section }) => {
        const { fill, nodesOf, readTemplates } = /** @type {any} */ (window).inner;
        const compiled = readTemplates(Uint8Array.from(section));
        const parse = (/** @type {string} */ html) => {
          // Not of this document: nothing is loaded, nothing runs.
          const holder = document.implementation.createHTMLDocument().createElement("div");
          holder.innerHTML = html;
          return holder;
        };
        const shape = (/** @type {Element} */ holder) =>
          [...holder.querySelectorAll("*")].map((element) => `${element.namespaceURI} ${element.localName} ${element.getAttributeNames().join(" ")}`).join("\n");
        const shapes = plain.map((html) => shape(parse(html)));
        const wrong = [];
        for (const [value, group] of rendered.entries()) {
          const data = { x: values[value], list: [values[value], values[value]] };
          for (const [at, html] of group.entries()) {
            // What the browser's script makes of it, beside what the edge sends.
            const own = fill(compiled, names[at], data);
            if (own !== html) wrong.push(`other text: ${html} and ${own}`);
            const parsed = parse(html);
            if (shape(parsed) !== shapes[at]) wrong.push(`another shape: ${html}`);
            const made = parsed.cloneNode();
            made.appendChild(parsed.ownerDocument.adoptNode(nodesOf(own)));
            // Parsers make one line end of another, and take the first of a text area.
            const text = (/** @type {Node} */ node) => node.textContent?.replace(/\r\n?/g, "\n");
            const values = (/** @type {Node} */ node) => {
              const all = /** @type {Element} */ (node).querySelectorAll("*");
              return JSON.stringify([...all].map((element) => element.getAttributeNames().map((name) => element.getAttribute(name)?.replace(/\r\n?/g, "\n"))));
            };
            const same = shape(/** @type {Element} */ (made)) === shapes[at] && values(made) === values(parsed);
            if (!same || (!html.includes("<textarea>\n") && !html.includes("<textarea>\r") && text(made) !== text(parsed))) wrong.push(`other nodes: ${html}`);
          }
        }
        return wrong;
      },
      { plain, rendered, values, names, section: [...section] },
    );
    assert.deepEqual(differ, []);
    assert.ok(rendered.length * names.length > 7000);
  });
});
