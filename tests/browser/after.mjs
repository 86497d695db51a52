// What an administrator does after a call: finds it, its way on the drawing, and its SIP messages.
import { walk } from './lib.mjs';

await walk(async ({ page, look, errors }, order, t) => {
  const { domain, login, password } = order;
  await page.goto(`/domains/${domain}/calls`);
  await page.fill('input[autocomplete=username]', login);
  await page.fill('input[autocomplete=current-password]', password);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: t('calls.title') }).first().waitFor();
  const call = page.getByRole('row').filter({ hasText: '501' }).getByRole('link').first();
  await call.waitFor();
  await look('calls');
  await call.click();
  await page.getByRole('tab', { name: t('call.tab.overview') }).waitFor();
  await look('call');

  await page.getByRole('tab', { name: t('call.tab.steps') }).click();
  await page.getByRole('row').nth(1).waitFor();
  await look('call-steps');
  await page.getByRole('button', { name: t('call.replay.start'), exact: true }).click();
  await page.getByText(t('call.replay.same'), { exact: true }).waitFor();
  await look('call-replay');

  await page.getByRole('tab', { name: t('call.tab.flow') }).click();
  await page.locator('.ed-visited, .ed-now').first().waitFor();
  await page.waitForTimeout(800);
  await look('call-flow');
  const path = await page.locator('.ed-visited .ed-kind, .ed-now .ed-kind').allInnerTexts();
  await page.getByRole('row').nth(1).getByRole('button').click();
  await page.locator('tr button[aria-pressed=true]').waitFor();
  await look('call-flow-step');

  await page.getByRole('tab', { name: t('call.tab.sip') }).click();
  await page.getByText(/INVITE/).first().waitFor();
  await look('call-sip');
  const messages = await page.locator('[role=listbox] [role=option], .ladder-message, [data-message]').allInnerTexts();
  const whole = await page.locator('main').innerText();
  await page.getByText(/BYE/).first().click();
  await page.waitForTimeout(300);
  await look('call-sip-bye');
  const chosen = await page.locator('main').innerText();

  await page.getByRole('tab', { name: t('call.tab.log') }).click();
  await look('call-log');
  // The API's page, from the menu; a request that is tried out there goes with the session.
  await page.getByRole('banner').getByRole('button').last().click();
  const [reference] = await Promise.all([page.waitForEvent('popup'), page.getByRole('menuitem', { name: t('account.api') }).click()]);
  reference.setDefaultTimeout(60_000); // a large script, beside other tests
  reference.on('pageerror', (error) => errors.push(error.message));
  reference.on('console', (line) => line.type() === 'error' && errors.push(line.text()));
  const operation = reference.locator('#operations-session-session_preferences_set_preferences');
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await operation.locator('textarea').fill(JSON.stringify({ language: order.language }));
  await operation.getByRole('button', { name: 'Execute' }).click();
  const answer = operation.locator('.live-responses-table .response').first();
  await answer.waitFor();
  await look('api-docs', reference);
  const tried = await answer.innerText();
  return { path, messages, whole, chosen, tried };
});
