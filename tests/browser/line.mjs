// An administrator leads a number by rules, tries them out, and saves them; then a person looks at what is their own.
import { walk } from './lib.mjs';

await walk(async ({ page, context, look }, order, t) => {
  const { domain, login, password, person } = order;
  const button = (name) => page.getByRole('button', { name, exact: true });
  const dialog = page.getByRole('dialog');
  const logIn = async (login, password) => {
    await page.fill('input[autocomplete=username]', login);
    await page.fill('input[autocomplete=current-password]', password);
    await page.keyboard.press('Enter');
  };

  await page.goto(`/domains/${domain}/lines`);
  await logIn(login, password);
  await button(t('lines.new')).first().click();
  await dialog.getByLabel(t('numbers.number')).first().fill('800');
  await dialog.getByRole('button', { name: t('common.create'), exact: true }).click();
  for (const [name, callers, user] of [['Others', '9XX', '501'], ['Eva', '501', '502']]) {
    await button(t('lines.add')).click();
    await dialog.getByLabel(t('lines.name'), { exact: true }).fill(name);
    await dialog.getByLabel(t('lines.caller'), { exact: true }).fill(callers);
    await page.keyboard.press('Enter');
    await dialog.getByRole('textbox', { name: t('lines.kind.user') }).fill(user);
    await page.getByRole('option', { name: user, exact: true }).click();
    if (name === 'Eva') await look('line-rule');
    await dialog.getByRole('button', { name: t('lines.take'), exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  }
  const tester = page.locator('.line-tester');
  await tester.getByLabel(t('lines.testCaller')).fill('501');
  await tester.getByRole('button', { name: t('lines.test'), exact: true }).click();
  await tester.getByText('Eva', { exact: true }).waitFor();
  await look('line-tested');
  const tested = await tester.innerText();
  await button(t('lines.up', { name: 'Eva' })).click();
  await page.locator('main button[type=submit]').filter({ hasText: t('common.save') }).click();
  await page.getByText(t('common.saved')).first().waitFor();
  await look('line');

  // Whoever logs in as a user sees his own phones, calls and messages.
  await context.clearCookies();
  await page.goto('/');
  await logIn(person.login, person.password);
  await page.getByRole('heading', { name: t('me.title') }).waitFor();
  await page.getByText('baresip').first().waitFor();
  await look('my-phone');
  for (const [place, title] of [['my-calls', 'me.calls'], ['my-voicemail', 'me.voicemail']]) {
    await page.goto(`/domains/${domain}/${place}`);
    await page.getByRole('heading', { name: t(title) }).waitFor();
    await look(place);
  }
  return { tested };
});
