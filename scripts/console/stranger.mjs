// A page of somebody else, which the operator's browser opens while the console is
// open: on another site, and on another port of the same machine.
import { createServer } from 'node:http';
import { strict as assert } from 'node:assert';

const page = (console, draft) => `<!doctype html><title>stranger</title>
<iframe name="frame" src="${console}/cases"></iframe>
<iframe name="door" src="${console}/enter?link=x"></iframe>
<form id="withdraw" method="post" action="${console}/approvals/${draft}/withdraw">
<input name="terminal" value="T-2"><input name="seen" value="1"><input name="form" value=""></form>
<form id="leave" method="post" action="${console}/leave"><input name="form" value=""></form>`;

export async function stranger(context, console, draft) {
  const server = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html');
    answer.end(page(console, draft));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  try {
    for (const host of ['localhost', '127.0.0.1']) {
      const tab = await context.newPage();
      await tab.goto(`http://${host}:${server.address().port}/`);
      assert.equal(tab.frames().length, 3, `${host} has no frames to look into`);
      for (const frame of tab.frames().slice(1)) {
        assert.ok(!(await frame.content()).includes('/assets/console.css'), `${host} frames ${frame.url()}`);
      }
      const read = await tab.evaluate((url) => fetch(url, { credentials: 'include' }).then(() => 'read', () => 'refused'), `${console}/cases`);
      assert.equal(read, 'refused', `${host} reads the console`);
      const heard = await tab.evaluate((url) => new Promise((done) => {
        const source = new EventSource(url, { withCredentials: true });
        source.onopen = () => done('heard');
        source.onerror = () => { source.close(); done('refused'); };
      }), `${console}/cases/${draft}/live`);
      assert.equal(heard, 'refused', `${host} hears a live page`);
      for (const form of ['withdraw', 'leave']) {
        await tab.goto(`http://${host}:${server.address().port}/`);
        await Promise.all([
          tab.waitForURL((url) => url.origin === console),
          tab.evaluate((id) => document.getElementById(id).submit(), form),
        ]);
        assert.equal((await tab.locator('body').innerText()).trim(), 'The request comes from another site.', `${host} sends the form "${form}"`);
      }
      await tab.close();
    }
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
