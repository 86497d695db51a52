// Takes orders over HTTP: POST …/orders with what is wanted, GET …/orders?1 shows the first.
import { keyValue, log, type WebRequest, WebResponse, webScenario } from '@tandem/scenario';

webScenario((request) => {
  const page = request.path.split('/').pop();
  switch (`${request.method} ${page}`) {
    case 'POST orders':
      return take(request);
    case 'GET orders':
      return show(request.query);
    default:
      return WebResponse.text(404, 'there is no such page');
  }
});

function take(request: WebRequest): WebResponse {
  const item = request.text();
  if (!item) {
    return WebResponse.text(400, 'say what you want');
  }
  const order = keyValue.increment('orders');
  keyValue.set(`order/${order}`, item);
  log.info(`order ${order}: ${item}`);
  return WebResponse.json(201, { order });
}

function show(number: string): WebResponse {
  const item = keyValue.getText(`order/${number}`);
  return item === undefined ? WebResponse.text(404, 'there is no such order') : WebResponse.text(200, item);
}
