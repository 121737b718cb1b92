// The console by keyboard alone.
import { strict as assert } from 'node:assert';

const focus = (page) => page.evaluate(() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  return {
    what: e.getAttribute('href') ?? e.id ?? '', text: (e.innerText ?? '').trim(), tag: e.tagName,
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && e.getBoundingClientRect().width > 0,
  };
});

// tabTo presses Tab until something has the focus, and wants to see on the way that
// each thing that gets it shows it.
async function tabTo(page, is) {
  for (let n = 0; n < 200; n++) {
    await page.keyboard.press('Tab');
    const at = await focus(page);
    if (at.tag === 'BODY') continue; // round the end of the page
    assert.ok(at.seen, `what has the focus is not seen: ${JSON.stringify(at)}`);
    if (is(at)) return at;
  }
  assert.fail('Tab never comes there');
}

export async function byKeyboard(page, home, draft) {
  await page.goto(`${home}/cases`);
  const first = await tabTo(page, () => true);
  assert.equal(first.what, '#main', 'the first thing is not the way past the menu');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  assert.equal((await tabTo(page, () => true)).what, 'by-state', 'the skip link leads past the filter');

  // The filter.
  await page.keyboard.press('ArrowDown');
  await tabTo(page, (at) => at.what === 'by-terminal');
  await page.keyboard.type('T-2');
  await Promise.all([page.waitForURL(/terminal=T-2/), page.keyboard.press('Enter')]);
  assert.match(page.url(), /state=drafted/);

  // Everything that can be used is reached.
  const reached = new Set();
  const all = await page.locator('a[href], button, input:not([type=hidden]), select, summary, [tabindex="0"]').count();
  for (let n = 0; n < 2 * all; n++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => [...document.querySelectorAll('*')].indexOf(document.activeElement)));
  }
  assert.ok(reached.size >= all, `Tab reaches ${reached.size} of ${all}`);

  // To an approval, and a withdrawal that names the wrong terminal.
  await page.goto(`${home}/cases`);
  await tabTo(page, (at) => at.what === '/approvals');
  await Promise.all([page.waitForURL(/approvals$/), page.keyboard.press('Enter')]);
  await tabTo(page, (at) => at.what === `/approvals/${draft}`);
  await Promise.all([page.waitForURL(new RegExp(draft)), page.keyboard.press('Enter')]);
  await tabTo(page, (at) => at.tag === 'SUMMARY' && at.text === 'Withdraw the draft');
  await page.keyboard.press('Enter');
  await tabTo(page, (at) => at.what === 'withdraw-terminal');
  await page.keyboard.type('T-9');
  await tabTo(page, (at) => at.text === 'Withdraw');
  await page.keyboard.press('Space');
  await page.getByRole('heading', { name: 'That was not done' }).waitFor();
}
