"""Payloads of Binance market streams as its pages and public recordings show them, one of each shape and age."""

from __future__ import annotations

__all__ = ["SPOT", "USDM"]

#: name -> payload of USD-M futures.
USDM: dict[str, bytes] = {
    "agg_trade": b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1791382992488,"a":3477868433,"s":"BTCUSDT",'
    b'"p":"83091.70","q":"0.022","nq":"0.022","f":8153634393,"l":8153634394,"T":1791382992338,"m":false,"st":1}}',
    "agg_trade_2021": b'{"stream":"akrousdt@aggTrade","data":{"e":"aggTrade","E":1626992741077,"a":29350125,'
    b'"s":"AKROUSDT","p":"0.01735","q":"1422","f":44170501,"l":44170502,"T":1626992740974,"m":true}}',
    "trade": b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1785685177439,"T":1785685177439,"s":"BTCUSDT",'
    b'"t":7947325360,"p":"63113.20","q":"0.001","X":"MARKET","m":false,"st":1}}',
    "trade_2024": b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256321,"s":"BTCUSDT",'
    b'"t":5266583935,"p":"61800.30","q":"0.006","X":"MARKET","m":true}}',
    "trade_insurance": b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1785685177439,"T":1785685177439,'
    b'"s":"BTCUSDT","t":7947325361,"p":"0","q":"0","X":"NA","m":true,"st":1}}',
    "mark_price": b'{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1791382993000,"s":"BTCUSDT",'
    b'"p":"83084.30000000","ap":"83084.30000000","P":"83195.15881449","i":"83123.65891304","r":"0.00000078",'
    b'"T":1791388800000,"st":1}}',
    "mark_price_2021": b'{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000",'
    b'"i":"11784.62659091","P":"11784.25641265","r":"-0.00038167","T":1562306400000}',
    "mark_price_array": b'{"stream":"!markPrice@arr@1s","data":[{"e":"markPriceUpdate","E":1791382992684,"s":"XAUUSDT",'
    b'"p":"4103.92233180","ap":"4103.92233180","P":"4098.72755326","i":"4100.14187735","r":"0.00019799",'
    b'"T":1791388800000,"st":1},{"e":"markPriceUpdate","E":1791382992684,"s":"BTCUSD_PERP","p":"83084.3",'
    b'"P":"83195.1","i":"83123.6","r":"","T":0,"st":2},{"e":"markPriceUpdate","E":1791382992684,"s":"XAGUSDT",'
    b'"p":"52.1","ap":"52.1","P":"52.0","i":"52.05","r":"0.00001","T":1791388800000,"st":1}]}',
    "bar": b'{"stream":"btcusdt@kline_1m","data":{"e":"kline","E":1791382992723,"s":"BTCUSDT","k":{"t":1791382980000,'
    b'"T":1791383039999,"s":"BTCUSDT","i":"1m","f":8153633367,"L":8153634395,"o":"83084.90","c":"83091.60",'
    b'"h":"83091.70","l":"83051.20","v":"13.551","n":1027,"x":false,"q":"1125714.73960","V":"6.426",'
    b'"Q":"533856.66860","B":"0"}}}',
    "bar_closed": b'{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747600000,"T":1638747659999,'
    b'"s":"BTCUSDT",'
    b'"i":"1M","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0010","v":"1000","n":100,"x":true,'
    b'"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}',
    "continuous_bar": b'{"e":"continuous_kline","E":1607443058651,"ps":"BTCUSDT","ct":"PERPETUAL",'
    b'"k":{"t":1607443020000,'
    b'"T":1607443079999,"i":"1m","f":116467658886,"L":116468012423,"o":"18787.00","c":"18804.04","h":"18804.04",'
    b'"l":"18786.54","v":"197.664","n":543,"x":false,"q":"3715253.19494","V":"184.769","Q":"3472925.84746","B":"0"}}',
    "mini_ticker": b'{"stream":"btcusdt@miniTicker","data":{"e":"24hrMiniTicker","E":1791382993519,"s":"BTCUSDT",'
    b'"ps":"BTCUSDT","c":"0.0025","o":"0.0010","h":"0.0025","l":"0.0010","v":"10000","q":"18","st":1}}',
    "mini_ticker_array": b'{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1791382993519,"s":"BTCUSDT",'
    b'"c":"1.5","o":"1","h":"2","l":"0.5","v":"10","q":"15"},{"e":"24hrMiniTicker","E":1791382993520,"s":"ETHUSDT",'
    b'"c":"0","o":"0","h":"0","l":"0","v":"0","q":"0"}]}',
    "ticker": b'{"stream":"btcusdt@ticker","data":{"e":"24hrTicker","E":1791382993519,"s":"BTCUSDT","ps":"BTCUSDT",'
    b'"p":"-3058.40","P":"-3.550","w":"84385.14","c":"83091.60","Q":"0.002","o":"86150.00","h":"86664.90",'
    b'"l":"82706.20","v":"170340.583","q":"14374214019.71","O":1791296580000,"C":1791382993519,"F":8150083791,'
    b'"L":8153634403,"n":3538937,"st":1}}',
    "ticker_array": b'{"stream":"!ticker@arr","data":[{"e":"24hrTicker","E":1791382993519,"s":"BTCUSD_PERP",'
    b'"ps":"BTCUSD","p":"-1.0","P":"-0.1","w":"1.0","c":"1.0","Q":"2","o":"1.0","h":"1.0","l":"1.0","v":"5","q":"6",'
    b'"O":1,"C":2,"F":3,"L":4,"n":5,"st":2},{"e":"24hrTicker","E":1791382993519,"s":"ETHUSDT","ps":"ETHUSDT",'
    b'"p":"1.0","P":"0.1","w":"1.0","c":"4000.01","Q":"0.5","o":"3999.0","h":"4100.0","l":"3900.0","v":"1000",'
    b'"q":"2036102085.69746400","O":1,"C":2,"F":3,"L":4,"n":5,"st":1}]}',
    "quote": b'{"stream":"btcusdt@bookTicker","data":{"e":"bookTicker","u":11757092630476,"s":"BTCUSDT","ps":"BTCUSDT",'
    b'"b":"83091.60","B":"4.215","a":"83091.70","A":"3.763","T":1791382994657,"E":1791382994658,"st":1}}',
    "quote_2021": b'{"stream":"sushiusdt@bookTicker","data":{"e":"bookTicker","u":600859600576,"s":"SUSHIUSDT",'
    b'"b":"7.6110","B":"2","a":"7.6120","A":"297","T":1626992741012,"E":1626992741017}}',
    "partial_depth": b'{"stream":"btcusdt@depth20@100ms","data":{"e":"depthUpdate","E":1791382994616,"T":1791382994613,'
    b'"s":"BTCUSDT","ps":"BTCUSDT","U":11757092616793,"u":11757092625654,"pu":11757092616661,'
    b'"b":[["83091.60","4.215"],["83091.50","0.200"],["83091.40","0.002"]],'
    b'"a":[["83091.70","3.768"],["83091.80","0.002"],["83092.00","0.002"]],"st":1}}',
    "depth": b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1791382994789,"T":1791382994788,'
    b'"s":"BTCUSDT","ps":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"],["0.0023","0"]],'
    b'"a":[["0.0026","100"]],"st":1}}',
    "depth_2021": b'{"stream":"akrousdt@depth@100ms","data":{"e":"depthUpdate","E":1626992741077,"T":1626992740974,'
    b'"s":"AKROUSDT","U":600859599831,"u":600859599831,"pu":600859598737,"b":[],"a":[["0.01737","437848"]]}}',
    "rpi_depth": b'{"stream":"btcusdt@rpiDepth@500ms","data":{"e":"depthUpdate","E":1791382994789,"T":1791382994788,'
    b'"s":"BTCUSDT","ps":"BTCUSDT","U":157,"u":160,"pu":149,"b":[["0.0024","10"]],"a":[],"st":1}}',
    "liquidation": b'{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1791565603055,"o":{"s":"BTCUSDT",'
    b'"S":"SELL","o":"LIMIT","f":"IOC","q":"0.190","p":"82338.30","ap":"82651.90","X":"FILLED","l":"0.155","z":"0.190",'
    b'"T":1791565602120,"ps":"BTCUSDT","st":1}}}',
    "liquidation_outside": b'{"e":"forceOrder","E":1791565603055,"st":1,"ps":"BTCUSDT","o":{"s":"BTCUSDT","S":"BUY",'
    b'"o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9910.5","X":"FILLED","l":"0.014","z":"0.014",'
    b'"T":1568014460893}}',
    "liquidation_coin_m": b'{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1791565603055,"o":{'
    b'"s":"BTCUSD_PERP","S":"SELL","o":"LIMIT","f":"IOC","q":"1","p":"82338.30","ap":"82651.90","X":"FILLED","l":"1",'
    b'"z":"1","T":1791565602120,"ps":"BTCUSD","st":2}}}',
    "shutdown": b'{"e":"serverShutdown","E":1770123456789}',
    "snapshot": b'{"lastUpdateId":11757092217378,"E":1791382991286,"T":1791382991283,"bids":[["83084.30","2.986"],'
    b'["83084.20","0.010"]],"asks":[["83084.40","4.632"]]}',
    "ack": b'{"result":null,"id":1}',
    "ack_list": b'{"result":["btcusdt@markPrice@1s"],"id":3}',
    "ack_bool": b'{"id":2,"result":true}',
    "error": b'{"error":{"code":2,"msg":"Invalid request: unknown method"},"id":1}',
    "error_without_id": b'{"error":{"code":3,"msg":"Invalid JSON"},"id":null}',
    "error_flat": b'{"code":-1121,"msg":"Invalid symbol."}',
    "contract_info": b'{"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL",'
    b'"dt":4133404800000,"ot":1569398400000,"cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,'
    b'"mi":21,"ma":50}]}',
    "equity_update": b'{"e":"EquityUpdate","E":1765244143062,"t":1765242000000,"T":1765270800000,"S":"OVERNIGHT"}',
}

#: name -> payload of Spot.
SPOT: dict[str, bytes] = {
    "agg_trade": b'{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.001","q":"100","f":100,"l":105,'
    b'"T":1672515782135,"m":true,"M":true}',
    "trade": b'{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.001","q":"100","T":1672515782135,"m":true,'
    b'"M":true}',
    "quote": b'{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}',
    "quote_in_envelope": b'{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000",'
    b'"B":"31.21000000","a":"25.36520000","A":"40.66000000"}}',
    "depth": b'{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],'
    b'"a":[["0.0026","100"]]}',
    "partial_depth": b'{"stream":"bnbbtc@depth5@100ms","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],'
    b'"asks":[["0.0026","100"]]}}',
    "snapshot": b'{"lastUpdateId":1027024,"bids":[["4.00000000","431.00000000"]],"asks":[["4.00000200",'
    b'"12.00000000"]]}',
    "bar": b'{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672515839999,'
    b'"s":"BNBBTC","i":"1s",'
    b'"f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0010","v":"1000","n":100,"x":true,"q":"1.0000",'
    b'"V":"500","Q":"0.500","B":"123456"}}',
    "mini_ticker": b'{"e":"24hrMiniTicker","E":1672515782136,"s":"BNBBTC","c":"0.0025","o":"0.0010","h":"0.0025",'
    b'"l":"0.0010","v":"10000","q":"18"}',
    "ticker": b'{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"250.00","w":"0.0018","x":"0.0009",'
    b'"c":"0.0025","Q":"10","b":"0.0024","B":"10","a":"0.0026","A":"100","o":"0.0010","h":"0.0025","l":"0.0010",'
    b'"v":"10000","q":"18","O":0,"C":86400000,"F":0,"L":18150,"n":18151}',
    "shutdown": b'{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}',
    "ack": b'{"result":null,"id":9007199254740993}',
    "error": b'{"code":2,"msg":"Invalid request: unknown method","id":7}',
    "avg_price": b'{"e":"avgPrice","E":1693907033000,"s":"BTCUSDT","i":"5m","w":"25776.86000000","T":1693907032213}',
}
