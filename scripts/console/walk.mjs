// Walks the desk's console as an operator does, in Debian's Chromium.
//
//   node walk.mjs CONSOLE-LINK [OUT [narrow]]
//
// The other side of this walk is TestConsoleInABrowser in cmd/unbind-desk: what
// terminals and approvers do is asked of it, one line out ("do NAME WORDS"), one line
// back. Where OUT is given, screenshots go there, and pages that differ little
// from others are held against axe-core as well; with "narrow" the pictures alone that
// the walk passes by anyway. Ends with 1 at the first thing that is not as it should be.
import { createInterface } from 'node:readline';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strict as assert } from 'node:assert';
import { chromium } from 'playwright-core';
import { stranger } from './stranger.mjs';
import { byKeyboard } from './keyboard.mjs';

const [link, out, narrow] = process.argv.slice(2);
const whole = out && !narrow;
const home = new URL(link).origin;
const axe = readFileSync(new URL(import.meta.resolve('axe-core/axe.min.js')), 'utf8');
const answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what) {
  console.log(`do ${what}`);
  const { value, done } = await answers.next();
  assert.ok(!done, `nobody answered "${what}"`);
  return value;
}

const begun = Date.now();
const told = (what) => console.log(`ok ${((Date.now() - begun) / 1000).toFixed(1)} s: ${what}`);

// What a page of the console never does, whatever it shows.
const bad = [];
const asked = new Set();
function watch(context) {
  context.on('request', (r) => asked.add(new URL(r.url()).origin));
  context.on('page', (page) => {
    page.on('dialog', (d) => { bad.push(`dialog ${d.message()}`); d.dismiss(); });
    page.on('pageerror', (e) => bad.push(`error ${e}`));
  });
}

// A page is whole for somebody who does not see it: held against axe-core.
async function accessible(page, name, again = false) {
  if (again && !whole) return;
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  const list = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' | ')}`);
  assert.deepEqual(list, [], `${name} is not accessible`);
  assert.ok(found.passes.some((p) => p.id === 'color-contrast'), `${name}: axe did not look at contrast`);
}

// A link is followed: the next page is there, with its looks. What is measured or
// pictured before that is the old page, or one without its style sheet.
async function follow(page, link, path) {
  await page.getByRole('link', { name: link }).click();
  await page.waitForURL((url) => url.pathname === path);
}

const sizes = { desktop: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };
async function pictures(page, name) {
  for (const [size, viewport] of Object.entries(sizes)) {
    if (size === 'desktop' && !whole) continue; // what fits a narrow screen fits a wide one
    await page.setViewportSize(viewport);
    const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    assert.ok(wide <= room, `${name} is ${wide} wide on a ${size} screen of ${room}`);
    if (out) await page.screenshot({ path: join(out, `${name}-${size}.png`), fullPage: true });
  }
  await page.setViewportSize(sizes.desktop);
}

const state = (page) => page.locator('.facts .state');

const kept = mkdtempSync(join(tmpdir(), 'console-walk-'));
const chrome = await chromium.launch({
  executablePath: '/usr/bin/chromium', headless: true,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const browser = await chrome.newContext({ locale: 'en-GB', acceptDownloads: true, viewport: sizes.desktop });
browser.setDefaultTimeout(60_000);
try {
  watch(browser);
  const page = await browser.newPage();

  // The way in.
  await page.goto(`${home}/cases`);
  await page.getByRole('heading', { name: 'You need a link to enter' }).waitFor();
  await page.goto(link);
  await accessible(page, 'enter', true);
  await pictures(page, 'en-enter');
  await page.getByRole('button', { name: 'Enter' }).click();
  await page.getByRole('heading', { name: 'Cases', level: 1 }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/cases');
  const cookies = (await browser.cookies()).find((c) => c.name === 'unbindd-console');
  assert.ok(cookies.httpOnly && cookies.sameSite === 'Strict', 'the session is not HttpOnly and Strict');
  assert.equal(await page.evaluate(() => document.cookie), '', 'a script can read a cookie');
  told('a link opens the console once, and no script sees the session');

  // One case, whose steps change while it is looked at.
  const live = await ask('issued');
  await page.goto(`${home}/cases?state=issued`);
  await follow(page, live, `/cases/${live}`);
  await page.getByText('Live: this page shows each change').waitFor();
  await page.evaluate(() => { window.same = true; });
  assert.match(await state(page).innerText(), /Issued/);
  for (const [act, word] of [['accept', 'Accepted'], ['backup', 'Backed up']]) {
    await ask(act);
    await page.locator('li[aria-current=step]', { hasText: word }).waitFor();
    assert.match(await state(page).innerText(), new RegExp(word));
    assert.equal(await page.locator('#said').textContent(), `The case is now: ${word}.`);
  }
  await accessible(page, 'case');
  await pictures(page, 'en-case');
  await page.getByRole('link', { name: /^Leaf/ }).first().focus();
  const focused = await page.evaluate(() => document.activeElement.getAttribute('href'));
  await ask('finish');
  await page.locator('.facts .state', { hasText: 'Gone' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), focused, 'the focus was lost');
  assert.equal(await page.evaluate(() => window.same), true, 'the page was loaded again');
  told('a case changes while it is looked at, and keeps the focus');

  // An approval: taken away, signed, handed in, twice; then published.
  const draft = await ask('draft');
  await follow(page, 'Approvals', '/approvals');
  await accessible(page, 'approvals', true);
  await pictures(page, 'en-approvals');
  await follow(page, draft, `/approvals/${draft}`);
  await accessible(page, 'approval');
  await pictures(page, 'en-approval');
  const digest = await page.locator('.digest').innerText();
  for (const who of ['ops-1', 'sec-1']) {
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: /^Download/ }).click()]);
    const signed = join(kept, `${who}.json`);
    await file.saveAs(signed);
    assert.equal(await ask(`sign ${who} ${signed}`), digest, 'the tool signs another digest than the page shows');
    await page.getByLabel('Hand the signed file in:').setInputFiles(signed);
    await page.getByRole('button', { name: 'Hand in the signature' }).click();
    await page.getByText('The signature was taken in.').waitFor();
    await page.locator('dd', { hasText: who }).waitFor();
  }
  await page.waitForLoadState();
  await pictures(page, 'en-signed');
  await page.locator('#publish-terminal').fill('T-WRONG');
  await page.getByRole('button', { name: 'Publish the command' }).click();
  await page.getByRole('heading', { name: 'That was not done' }).waitFor();
  await page.waitForLoadState();
  await accessible(page, 'refused');
  await pictures(page, 'en-refused');
  await page.goBack();
  await page.locator('#publish-terminal').fill('T-2');
  await page.getByRole('button', { name: 'Publish the command' }).click();
  await page.getByText('The command was published').waitFor();
  assert.match(await state(page).innerText(), /Issued/);
  told('a draft is signed elsewhere, handed in by two people, and published');

  // Names that want to be more than text.
  for (const path of ['/overdue?hours=0', `/cases/${await ask('spite')}`]) {
    await page.goto(home + path);
    await page.getByText('"><script>alert(1)</script>').first().waitFor();
    await page.getByText('⟦U+202E⟧gpj.exe').first().waitFor();
    await accessible(page, path, path.startsWith('/cases'));
  }
  assert.equal(await page.evaluate(() => new Promise((done) => {
    document.addEventListener('securitypolicyviolation', (e) => done(e.effectiveDirective), { once: true });
    const script = document.createElement('script');
    script.textContent = 'window.broken = true';
    document.body.append(script);
  })), 'script-src-elem', 'the policy lets a script in the page run');
  assert.equal(await page.evaluate(() => window.broken), undefined);
  told('a name is only text, and a script in a page does not run');

  // The other pages, in both languages and both widths.
  for (const [lang, name] of [['en', 'en'], ['zh-CN', 'zh']]) {
    for (const path of ['/cases', `/cases/${live}`, '/approvals', '/terminals', '/log', '/overdue?hours=0']) {
      if (!whole && lang !== 'en' && ['/cases', '/terminals'].includes(path)) continue;
      await page.goto(home + path);
      assert.equal(await page.locator('html').getAttribute('lang'), lang);
      await pictures(page, `${name}${path.replace(/\?.*/, '').replace(live, 'gone').replaceAll('/', '-')}`);
      await accessible(page, `${lang} ${path}`, path !== (lang === 'en' ? '/terminals' : '/log'));
    }
    if (lang !== 'en') break;
    await page.getByRole('button', { name: '中文' }).click();
    await page.getByRole('heading', { name: '逾期与告警' }).waitFor();
    assert.equal(new URL(page.url()).pathname + new URL(page.url()).search, '/overdue?hours=0', 'the switch leads elsewhere');
  }
  const waits = await ask('draft');
  await page.goto(`${home}/approvals/${waits}`);
  await pictures(page, 'zh-approval');
  await accessible(page, 'zh approval', true);
  await page.emulateMedia({ colorScheme: 'dark' });
  for (const path of [`/approvals/${waits}`, ...(whole ? [`/cases/${live}`, '/overdue?hours=0'] : [])]) {
    await page.goto(home + path);
    await accessible(page, `dark ${path}`);
    await pictures(page, `dark${path.replace(/\?.*/, '').replace(live, 'gone').replace(waits, 'one').replaceAll('/', '-')}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('button', { name: 'English' }).click();
  told('every page in both languages, wide and narrow, light and dark');

  await byKeyboard(page, home, waits);
  told('everything is reached and done by keyboard alone');

  await stranger(browser, home, waits);
  assert.equal(await ask(`state ${waits}`), 'drafted', 'a foreign page changed a case');
  told('a foreign page can neither frame the console nor send its forms');

  // Without scripts the same is there after loading again.
  const other = await ask('issued');
  const plain = await chrome.newContext({ javaScriptEnabled: false });
  const still = await plain.newPage();
  still.setDefaultTimeout(60_000);
  await still.goto(await ask('link'));
  await still.getByRole('button', { name: 'Enter' }).click();
  await still.goto(`${home}/cases/${other}`);
  assert.match(await state(still).innerText(), /Issued/);
  assert.match(await still.locator('#link').innerText(), /Reload this page/);
  await ask('accept');
  await still.reload();
  assert.match(await state(still).innerText(), /Accepted/);
  await plain.close();
  told('a case is followed without scripts');

  // The desk ends while a page is live.
  await page.goto(`${home}/cases/${other}`);
  await page.getByText('Live: this page shows each change').waitFor();
  assert.equal(await ask('stop'), '0', 'a live page keeps the desk from ending');
  await page.getByText('No longer live.').waitFor();
  told('the desk ends under a live page, and the page says so');

  assert.deepEqual(bad, [], 'a page did what it must not');
  assert.deepEqual([...asked].filter((o) => o !== home && !o.startsWith('http://localhost:') && !o.startsWith('http://127.0.0.1:') && o !== 'null'), [], 'a page asked for something outside');
} finally {
  await chrome.close();
  rmSync(kept, { recursive: true, force: true });
}
process.exit(0);
