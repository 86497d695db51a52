// What an administrator does on the first day: logs in, makes a domain, users, a prompt, opening hours, draws a flow,
// tries it out, and publishes it to a number.
import { walk } from './lib.mjs';

await walk(async ({ page, look }, order, t) => {
  const { domain, login, password, sound } = order;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const dialog = page.getByRole('dialog');
  const label = (text) => page.getByLabel(text).first();
  const go = (place) => page.goto(`/domains/${domain}/${place}`);

  // Bytes of scripts as they came, packed, by the first page that one works on.
  const came = [];
  const wire = await page.context().newCDPSession(page);
  await wire.send('Network.enable');
  const scripts = new Map();
  wire.on('Network.responseReceived', ({ requestId, type, response }) => type === 'Script' && scripts.set(requestId, response.url));
  wire.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (scripts.has(requestId)) came.push({ url: scripts.get(requestId), bytes: encodedDataLength });
  });

  await page.goto('/');
  await label(t('login.login')).waitFor();
  await look('login');
  await page.fill('input[autocomplete=username]', login);
  await page.fill('input[autocomplete=current-password]', password);
  await page.keyboard.press('Enter');
  await button(t('domains.new')).waitFor();
  await page.waitForTimeout(500);
  const first = came.reduce((sum, { bytes }) => sum + bytes, 0);
  const early = came.length;
  await look('domains');

  await button(t('domains.new')).click();
  await dialog.getByLabel(t('domains.name')).first().fill('no spaces');
  await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
  await dialog.getByText('no host name').first().waitFor();
  await look('domain-refused');
  await dialog.getByLabel(t('domains.name')).first().fill(domain);
  await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
  await page.getByRole('heading', { name: t('dashboard.title') }).waitFor();
  await look('dashboard');

  const users = {};
  for (const [name, shown] of [['501', 'Eva <b>Bold</b>'], ['502', 'Пётр']]) {
    await go('users');
    await button(t('users.new')).first().click();
    await dialog.getByLabel(t('users.name')).first().fill(name);
    await dialog.getByLabel(t('users.displayName'), { exact: true }).fill(shown);
    await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
    await dialog.getByText(t('users.once')).waitFor();
    if (name === '501') await look('user-made');
    users[name] = await dialog.locator('code').last().innerText();
    await dialog.getByRole('button', { name: t('common.close'), exact: true }).last().click();
  }
  await page.getByText('Eva <b>Bold</b>').waitFor();
  await look('users');

  await go('prompts');
  await button(t('prompts.upload')).first().click();
  await dialog.locator('input[type=file]').setInputFiles(sound);
  await dialog.getByLabel(t('prompts.name')).first().fill('welcome');
  await look('prompt-upload');
  await dialog.getByRole('button', { name: t('prompts.upload'), exact: true }).click();
  await page.getByText('welcome', { exact: true }).first().waitFor();
  await look('prompts');

  await go('schedules');
  await button(t('schedules.new')).first().click();
  await dialog.getByLabel(t('schedules.name')).first().fill('office');
  await dialog.locator('button[type=submit]').click();
  await page.locator('main button[type=submit]').waitFor();
  await look('schedule');
  await page.locator('main button[type=submit]').click();
  await page.getByText(t('common.saved')).first().waitFor();

  // The editor has the room of a large screen; all else fits a small one.
  await page.setViewportSize({ width: 1680, height: 950 });
  await draw(page, go, t, look);
  await page.setViewportSize({ width: 1280, height: 800 });

  await go('numbers');
  await button(t('numbers.new')).first().click();
  await dialog.getByLabel(t('numbers.number')).first().fill('700');
  await dialog.getByLabel(t('numbers.scenario')).first().click();
  await page.getByRole('option', { name: /reception/ }).first().click();
  await look('number-new');
  await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
  await page.getByText('700').first().waitFor();
  await go('numbers');
  await page.getByText('700').first().waitFor();
  await look('numbers');

  const domains = ['numbers/700', 'lines', 'scenarios', 'scenarios/reception', 'flows', 'calls', 'voicemail', 'voicemail/502', 'settings',
    'accounts', 'tokens', 'audit', 'nowhere'].map((place) => `/domains/${domain}/${place}`);
  for (const place of [...domains, '/accounts', '/audit']) {
    await page.goto(place);
    await page.getByRole('heading').first().waitFor();
    await look(place.split('/').slice(place.startsWith('/domains') ? 3 : 0).join('-').replace(/^-/, 'system-'));
  }
  const late = came.slice(early).reduce((sum, { bytes }) => sum + bytes, 0);
  return { users, scripts: { first, late } };
});

/** Draws a welcome, a menu, and behind it a user, a voicemail box and a question for the hours. */
async function draw(page, go, t, look) {
  const dialog = page.getByRole('dialog');
  await go('flows');
  await page.getByRole('button', { name: t('flows.new'), exact: true }).first().click();
  await dialog.getByLabel(t('flows.name')).first().fill('reception');
  await dialog.getByLabel(t('flows.flowTitle')).fill('Reception');
  await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
  const canvas = page.locator('.react-flow__pane');
  await canvas.waitFor();
  await page.waitForTimeout(500);
  await look('editor-empty');

  const kind = (name) => page.locator('.ed-side .ed-kind-button').filter({ hasText: new RegExp(`^${t(`editor:kind.${name}`)}$`) });
  const lay = async (name, x, y) => {
    await kind(name).dragTo(canvas, { targetPosition: { x, y } });
    await page.waitForTimeout(250);
  };
  const inspector = page.locator('.ed-inspector');
  const choose = async (id) => {
    await page.locator(`.react-flow__node[data-id="${id}"] .ed-head`).click();
    await page.waitForTimeout(200);
  };
  await lay('say', 130, 100);
  await lay('menu', 330, 140);
  await lay('dial_user', 560, 60);
  await lay('voicemail', 560, 260);
  await lay('if', 330, 470);
  await lay('hang_up', 560, 500);
  const ids = await page.locator('.react-flow__node').evaluateAll((nodes) => nodes.map((node) => node.dataset.id));
  const of = (start) => ids.find((id) => id.startsWith(start)) ?? `no ${start} in ${ids}`;
  const [say, menu, user, box, test, end] = ['say', 'menu', 'dial', 'voicemail', 'if', 'hang'].map(of);

  await page.getByRole('button', { name: t('editor:toolbar.arrange') }).first().click();
  await page.waitForTimeout(700);
  await join(page, say, 'next', menu);
  await join(page, menu, 'choices.1', user);
  await join(page, menu, 'choices.2', box);
  await join(page, menu, 'choices.+', test);
  await join(page, user, 'default', box);
  await join(page, test, 'then', user);
  await join(page, test, 'else', end);
  await page.getByRole('button', { name: t('editor:toolbar.arrange') }).first().click();
  await page.waitForTimeout(700);
  await look('editor-joined');

  await choose(say);
  await inspector.getByLabel(t('editor:prompt.kind')).first().click();
  await page.getByRole('option', { name: t('editor:prompt.file'), exact: true }).click();
  await inspector.getByLabel(t('editor:prompt.name')).first().fill('welcome');
  await choose(menu);
  const kinds = inspector.getByLabel(t('editor:prompt.kind'));
  if ((await kinds.count()) === 0) await inspector.getByRole('button', { name: t('editor:prompt.add') }).nth(1).click();
  await kinds.first().click();
  await page.getByRole('option', { name: t('editor:prompt.tone'), exact: true }).click();
  await inspector.getByLabel(t('editor:prompt.hz')).first().fill('700');
  await inspector.getByLabel(t('editor:prompt.duration')).first().fill('3000');
  await choose(user);
  await inspector.getByLabel(t('editor:field.user')).first().fill('502');
  await choose(box);
  await inspector.locator('input').filter({ visible: true }).nth(2).waitFor();
  await inspector.getByLabel(t('editor:field.box'), { exact: true }).first().fill('502');
  await choose(test);
  await inspector.getByLabel(t('editor:condition.schedule')).first().fill('office');
  await page.waitForTimeout(400);
  await look('editor-filled');

  await page.getByRole('button', { name: t('editor:toolbar.test') }).click();
  await page.locator('.ed-keypad button', { hasText: '1' }).first().click();
  await page.getByRole('button', { name: t('editor:test.call'), exact: true }).click();
  await page.locator('.ed-visited, .ed-now').first().waitFor();
  await page.waitForTimeout(800);
  await look('editor-tested');

  await page.getByRole('button', { name: t('editor:toolbar.publish'), exact: true }).click();
  await dialog.getByLabel(t('editor:publish.note')).fill('the first');
  await look('editor-publish');
  await dialog.getByRole('button', { name: new RegExp(`${t('editor:publish.saveAndGo')}|${t('editor:publish.go')}`) }).last().click();
  await dialog.getByText(t('editor:publish.done'), { exact: true }).waitFor({ timeout: 60_000 });
  await dialog.getByRole('button', { name: t('editor:dialog.close'), exact: true }).last().click();
}

/** Draws a way from a port of one step to another step, with the mouse. */
async function join(page, from, port, to) {
  const middle = async (place) => {
    const box = await place.boundingBox();
    if (!box) throw new Error(`${from} ${port} → ${to}: not in sight`);
    return [box.x + box.width / 2, box.y + box.height / 2];
  };
  const before = await page.locator('.react-flow__edge').count();
  const [x, y] = await middle(page.locator(`.react-flow__node[data-id="${from}"] .ed-out[data-handleid="${port}"]`));
  await page.mouse.move(x, y);
  await page.mouse.down();
  const [u, v] = await middle(page.locator(`.react-flow__node[data-id="${to}"] .ed-in`));
  await page.mouse.move((x + u) / 2, (y + v) / 2, { steps: 4 });
  await page.mouse.move(u, v, { steps: 4 });
  await page.mouse.up();
  await page.waitForTimeout(250);
  const after = await page.locator('.react-flow__edge').count();
  if (after !== before + 1) throw new Error(`${from} ${port} → ${to}: ${before} ways, then ${after}`);
}
