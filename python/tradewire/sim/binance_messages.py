"""JSON text of every USD-M message, field by field as the venue writes it (shapes of October 2026). No state.

Written with format strings, not a JSON library: most of the simulator's time goes here at high rates. Symbols are
letters and digits (of any script), so that nothing needs escaping.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.sim.history import INTERVALS, AggTrade, Bar, Trade, bar_span
from tradewire.sim.matching import BUY, SELL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit

_FUNDING_RATE = "0.00010000"
FUNDING_MS = 8 * INTERVALS["1h"]


def flag(value: bool) -> str:
    """A JSON boolean."""
    return "true" if value else "false"


def levels_text(instrument: Instrument, levels: Iterable[tuple[int, int]]) -> str:
    """Price levels as pairs."""
    prices, quantities = instrument.price_text, instrument.quantity_text
    return ",".join([f'["{prices[price]}","{quantities[lots]}"]' for price, lots in levels])


def trade(instrument: Instrument, item: Trade, now_ms: int) -> str:
    """`<symbol>@trade`."""
    trade_id, price, lots, time_ms, seller_took = item
    return (
        f'{{"e":"trade","E":{now_ms},"T":{time_ms},"s":"{instrument.symbol}","t":{trade_id},'
        f'"p":"{instrument.price_text[price]}","q":"{instrument.quantity_text[lots]}","X":"MARKET",'
        f'"m":{"true" if seller_took else "false"},"st":1}}'
    )


def agg_trade(instrument: Instrument, item: AggTrade, now_ms: int) -> str:
    """`<symbol>@aggTrade`."""
    quantity = instrument.quantity_text[item.lots]
    return (
        f'{{"e":"aggTrade","E":{now_ms},"a":{item.agg_id},"s":"{instrument.symbol}",'
        f'"p":"{instrument.price_text[item.price]}","q":"{quantity}","nq":"{quantity}",'
        f'"f":{item.first_id},"l":{item.last_id},"T":{item.time_ms},"m":{flag(item.seller_took)},"st":1}}'
    )


def book_ticker(pit: Pit, now_ms: int) -> str:
    """`<symbol>@bookTicker` and the rows of `!bookTicker`."""
    instrument = pit.instrument
    prices, quantities, symbol = instrument.price_text, instrument.quantity_text, instrument.symbol
    return (
        f'{{"e":"bookTicker","u":{pit.quote_id},"s":"{symbol}","ps":"{symbol}",'
        f'"b":"{prices[pit.bid]}","B":"{quantities[pit.bid_lots]}",'
        f'"a":"{prices[pit.ask]}","A":"{quantities[pit.ask_lots]}","T":{pit.quote_ms},"E":{now_ms},"st":1}}'
    )


def depth_update(
    pit: Pit,
    now_ms: int,
    update_ids: tuple[int, int, int],
    bids: Iterable[tuple[int, int]],
    asks: Iterable[tuple[int, int]],
) -> str:
    """`<symbol>@depth...`, difference or partial book; `update_ids` are U, u and pu."""
    instrument = pit.instrument
    symbol = instrument.symbol
    first, last, previous = update_ids
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"T":{pit.changed_ms},"s":"{symbol}","ps":"{symbol}",'
        f'"U":{first},"u":{last},"pu":{previous},'
        f'"b":[{levels_text(instrument, bids)}],"a":[{levels_text(instrument, asks)}],"st":1}}'
    )


def mark_price_update(instrument: Instrument, mark: float, index: float, now_ms: int) -> str:
    """`<symbol>@markPrice` and the rows of `!markPrice@arr`; prices in ticks."""
    tick = instrument.tick
    return (
        f'{{"e":"markPriceUpdate","E":{now_ms},"s":"{instrument.symbol}",'
        f'"p":"{mark * tick:.8f}","ap":"{mark * tick:.8f}",'
        f'"P":"{index * tick:.8f}","i":"{index * tick:.8f}","r":"{_FUNDING_RATE}",'
        f'"T":{_next_funding_ms(now_ms)},"st":1}}'
    )


def kline(instrument: Instrument, bar: Bar, interval: str, now_ms: int, *, closed: bool) -> str:
    """`<symbol>@kline_<interval>`; Spot writes the same."""
    symbol, prices, quantities = instrument.symbol, instrument.price_text, instrument.quantity_text
    return (
        f'{{"e":"kline","E":{now_ms},"s":"{symbol}","k":{{"t":{bar.start_ms},'
        f'"T":{bar_span(interval, bar.start_ms)[1] - 1},"s":"{symbol}","i":"{interval}","f":{bar.first_id},'
        f'"L":{bar.last_id},"o":"{prices[bar.open]}",'
        f'"c":"{prices[bar.close]}","h":"{prices[bar.high]}","l":"{prices[bar.low]}","v":"{quantities[bar.lots]}",'
        f'"n":{bar.count},"x":{flag(closed)},"q":"{instrument.value_text(bar.value)}",'
        f'"V":"{quantities[bar.taker_lots]}","Q":"{instrument.value_text(bar.taker_value)}","B":"0"}}}}'
    )


def mini_ticker(instrument: Instrument, day: Bar, now_ms: int) -> str:
    """`<symbol>@miniTicker` and the rows of `!miniTicker@arr`."""
    symbol, prices = instrument.symbol, instrument.price_text
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{symbol}","ps":"{symbol}","c":"{prices[day.close]}",'
        f'"o":"{prices[day.open]}","h":"{prices[day.high]}","l":"{prices[day.low]}",'
        f'"v":"{instrument.quantity_text[day.lots]}","q":"{instrument.value_text(day.value)}","st":1}}'
    )


def ticker(instrument: Instrument, day: Bar, last_lots: int, now_ms: int) -> str:
    """`<symbol>@ticker` and the rows of `!ticker@arr`."""
    symbol, prices, quantities = instrument.symbol, instrument.price_text, instrument.quantity_text
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{symbol}","ps":"{symbol}","p":"{prices[day.close - day.open]}",'
        f'"P":"{change_percent(day):.3f}","w":"{average_text(instrument, day)}","c":"{prices[day.close]}",'
        f'"Q":"{quantities[last_lots]}","o":"{prices[day.open]}","h":"{prices[day.high]}","l":"{prices[day.low]}",'
        f'"v":"{quantities[day.lots]}","q":"{instrument.value_text(day.value)}","O":{day.start_ms},"C":{now_ms},'
        f'"F":{day.first_id},"L":{day.last_id},"n":{day.count},"st":1}}'
    )


def force_order(instrument: Instrument, side: int, price: int, trades: list[Trade], now_ms: int) -> str:
    """`<symbol>@forceOrder` and `!forceOrder@arr`: a filled liquidation (`ps` and `st` are inside `o`, as recorded)."""
    symbol, prices, quantities = instrument.symbol, instrument.price_text, instrument.quantity_text
    lots = sum(item.lots for item in trades)
    side_text = "BUY" if side == BUY else "SELL"
    average = sum(item.price * item.lots for item in trades) / lots * instrument.tick
    return (
        f'{{"e":"forceOrder","E":{now_ms},"o":{{"s":"{symbol}","S":"{side_text}",'
        f'"o":"LIMIT","f":"IOC","q":"{quantities[lots]}","p":"{prices[price]}","ap":"{average:.{instrument.price_decimals}f}","X":"FILLED",'
        f'"l":"{quantities[trades[-1].lots]}","z":"{quantities[lots]}","T":{trades[-1].time_ms},"ps":"{symbol}","st":1}}}}'
    )


def rest_depth(pit: Pit, limit: int, now_ms: int) -> str:
    """`GET /fapi/v1/depth`."""
    return (
        f'{{"lastUpdateId":{pit.update_id},"E":{now_ms},"T":{pit.changed_ms},'
        f'"bids":[{levels_text(pit.instrument, pit.book.top(BUY, limit))}],'
        f'"asks":[{levels_text(pit.instrument, pit.book.top(SELL, limit))}]}}'
    )


def rest_trade(instrument: Instrument, item: Trade) -> str:
    """A row of `GET /fapi/v1/trades`."""
    return (
        f'{{"id":{item.trade_id},"price":"{instrument.price_text[item.price]}",'
        f'"qty":"{instrument.quantity_text[item.lots]}","quoteQty":"{instrument.value_text(item.price * item.lots)}",'
        f'"time":{item.time_ms},"isBuyerMaker":{flag(item.seller_took)},"isRPITrade":false}}'
    )


def rest_agg_trade(instrument: Instrument, item: AggTrade) -> str:
    """A row of `GET /fapi/v1/aggTrades`."""
    quantity = instrument.quantity_text[item.lots]
    return (
        f'{{"a":{item.agg_id},"p":"{instrument.price_text[item.price]}","q":"{quantity}","nq":"{quantity}",'
        f'"f":{item.first_id},"l":{item.last_id},"T":{item.time_ms},"m":{flag(item.seller_took)}}}'
    )


def rest_kline(instrument: Instrument, bar: Bar, interval: str) -> str:
    """A row of `GET /fapi/v1/klines`."""
    prices, quantities = instrument.price_text, instrument.quantity_text
    return (
        f'[{bar.start_ms},"{prices[bar.open]}","{prices[bar.high]}","{prices[bar.low]}","{prices[bar.close]}",'
        f'"{quantities[bar.lots]}",{bar_span(interval, bar.start_ms)[1] - 1},"{instrument.value_text(bar.value)}",'
        f'{bar.count},"{quantities[bar.taker_lots]}","{instrument.value_text(bar.taker_value)}","0"]'
    )


def rest_premium_index(instrument: Instrument, mark: float, index: float, now_ms: int) -> str:
    """`GET /fapi/v1/premiumIndex`; prices in ticks."""
    tick = instrument.tick
    return (
        f'{{"symbol":"{instrument.symbol}","markPrice":"{mark * tick:.8f}","indexPrice":"{index * tick:.8f}",'
        f'"estimatedSettlePrice":"{index * tick:.8f}","lastFundingRate":"{_FUNDING_RATE}",'
        f'"interestRate":"0.00010000","nextFundingTime":{_next_funding_ms(now_ms)},"time":{now_ms}}}'
    )


def rest_funding(instrument: Instrument, mark: float, time_ms: int) -> str:
    """A row of `GET /fapi/v1/fundingRate`; price in ticks. The rate of this venue never changes."""
    return (
        f'{{"symbol":"{instrument.symbol}","fundingTime":{time_ms},"fundingRate":"{_FUNDING_RATE}",'
        f'"markPrice":"{mark * instrument.tick:.8f}","rateType":"Regular"}}'
    )


def rest_open_interest(instrument: Instrument, lots: int, now_ms: int) -> str:
    """`GET /fapi/v1/openInterest`."""
    quantity = instrument.quantity_text[lots]
    return f'{{"openInterest":"{quantity}","symbol":"{instrument.symbol}","time":{now_ms}}}'


def rest_day(instrument: Instrument, day: Bar, last_lots: int, now_ms: int) -> str:
    """`GET /fapi/v1/ticker/24hr`."""
    prices, quantities = instrument.price_text, instrument.quantity_text
    return (
        f'{{"symbol":"{instrument.symbol}","priceChange":"{prices[day.close - day.open]}",'
        f'"priceChangePercent":"{change_percent(day):.3f}","weightedAvgPrice":"{average_text(instrument, day)}",'
        f'"lastPrice":"{prices[day.close]}","lastQty":"{quantities[last_lots]}","openPrice":"{prices[day.open]}",'
        f'"highPrice":"{prices[day.high]}","lowPrice":"{prices[day.low]}","volume":"{quantities[day.lots]}",'
        f'"quoteVolume":"{instrument.value_text(day.value)}","openTime":{day.start_ms},"closeTime":{now_ms},'
        f'"firstId":{day.first_id},"lastId":{day.last_id},"count":{day.count}}}'
    )


def rest_book_ticker(pit: Pit) -> str:
    """`GET /fapi/v1/ticker/bookTicker`."""
    prices, quantities = pit.instrument.price_text, pit.instrument.quantity_text
    return (
        f'{{"symbol":"{pit.instrument.symbol}","bidPrice":"{prices[pit.bid]}","bidQty":"{quantities[pit.bid_lots]}",'
        f'"askPrice":"{prices[pit.ask]}","askQty":"{quantities[pit.ask_lots]}","time":{pit.quote_ms}}}'
    )


def rest_price(instrument: Instrument, price: int, now_ms: int) -> str:
    """`GET /fapi/v2/ticker/price`."""
    return f'{{"symbol":"{instrument.symbol}","price":"{instrument.price_text[price]}","time":{now_ms}}}'


def _next_funding_ms(now_ms: int) -> int:
    return (now_ms // FUNDING_MS + 1) * FUNDING_MS


def change_percent(day: Bar) -> float:
    """From open to close."""
    return (day.close - day.open) / day.open * 100


def average_text(instrument: Instrument, day: Bar) -> str:
    """Average price weighted by quantity."""
    price = day.value / day.lots if day.lots else day.close
    return f"{price * instrument.tick:.{instrument.price_decimals}f}"
