"""JSON text of every Spot message, field by field as the venue writes it (shapes of 2026). No state.

Prices and quantities have eight digits here, whatever the tick. What is alike on USD-M is taken from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tradewire.sim.binance_messages import average_text, change_percent, flag, levels_text
from tradewire.sim.history import AggTrade, Bar, Trade
from tradewire.sim.matching import BUY, SELL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tradewire.sim.instruments import Instrument
    from tradewire.sim.market import Pit


def trade(instrument: Instrument, item: Trade, now_ms: int) -> str:
    """`<symbol>@trade`."""
    return (
        f'{{"e":"trade","E":{now_ms},"s":"{instrument.symbol}","t":{item.trade_id},'
        f'"p":"{instrument.price_text[item.price]}","q":"{instrument.quantity_text[item.lots]}",'
        f'"T":{item.time_ms},"m":{flag(item.seller_took)},"M":true}}'
    )


def agg_trade(instrument: Instrument, item: AggTrade, now_ms: int) -> str:
    """`<symbol>@aggTrade`."""
    return (
        f'{{"e":"aggTrade","E":{now_ms},"s":"{instrument.symbol}","a":{item.agg_id},'
        f'"p":"{instrument.price_text[item.price]}","q":"{instrument.quantity_text[item.lots]}",'
        f'"f":{item.first_id},"l":{item.last_id},"T":{item.time_ms},"m":{flag(item.seller_took)},"M":true}}'
    )


def book_ticker(pit: Pit) -> str:
    """`<symbol>@bookTicker`: has no event name and no time."""
    instrument = pit.instrument
    prices, quantities = instrument.price_text, instrument.quantity_text
    return (
        f'{{"u":{pit.quote_id},"s":"{instrument.symbol}","b":"{prices[pit.bid]}","B":"{quantities[pit.bid_lots]}",'
        f'"a":"{prices[pit.ask]}","A":"{quantities[pit.ask_lots]}"}}'
    )


def depth_update(
    pit: Pit, now_ms: int, first: int, last: int, bids: Iterable[tuple[int, int]], asks: Iterable[tuple[int, int]]
) -> str:
    """`<symbol>@depth`: no transaction time, no `pu`; `first` follows the `last` of the message before."""
    instrument = pit.instrument
    return (
        f'{{"e":"depthUpdate","E":{now_ms},"s":"{instrument.symbol}","U":{first},"u":{last},'
        f'"b":[{levels_text(instrument, bids)}],"a":[{levels_text(instrument, asks)}]}}'
    )


def partial_depth(pit: Pit, levels: int) -> str:
    """`<symbol>@depth<levels>` and `GET /api/v3/depth`: neither event name nor symbol."""
    instrument, book = pit.instrument, pit.book
    return (
        f'{{"lastUpdateId":{pit.update_id},"bids":[{levels_text(instrument, book.top(BUY, levels))}],'
        f'"asks":[{levels_text(instrument, book.top(SELL, levels))}]}}'
    )


def mini_ticker(instrument: Instrument, day: Bar, now_ms: int) -> str:
    """`<symbol>@miniTicker` and the rows of `!miniTicker@arr`."""
    prices = instrument.price_text
    return (
        f'{{"e":"24hrMiniTicker","E":{now_ms},"s":"{instrument.symbol}","c":"{prices[day.close]}",'
        f'"o":"{prices[day.open]}","h":"{prices[day.high]}","l":"{prices[day.low]}",'
        f'"v":"{instrument.quantity_text[day.lots]}","q":"{instrument.value_text(day.value)}"}}'
    )


def ticker(pit: Pit, day: Bar, last_lots: int, now_ms: int) -> str:
    """`<symbol>@ticker`: with the best prices, which USD-M leaves out."""
    instrument = pit.instrument
    prices, quantities = instrument.price_text, instrument.quantity_text
    return (
        f'{{"e":"24hrTicker","E":{now_ms},"s":"{instrument.symbol}","p":"{prices[day.close - day.open]}",'
        f'"P":"{change_percent(day):.3f}","w":"{average_text(instrument, day)}","x":"{prices[day.open]}",'
        f'"c":"{prices[day.close]}","Q":"{quantities[last_lots]}","b":"{prices[pit.bid]}",'
        f'"B":"{quantities[pit.bid_lots]}","a":"{prices[pit.ask]}","A":"{quantities[pit.ask_lots]}",'
        f'"o":"{prices[day.open]}","h":"{prices[day.high]}","l":"{prices[day.low]}","v":"{quantities[day.lots]}",'
        f'"q":"{instrument.value_text(day.value)}","O":{day.start_ms},"C":{now_ms},"F":{day.first_id},'
        f'"L":{day.last_id},"n":{day.count}}}'
    )


def server_shutdown(now_ms: int) -> str:
    """Said on every connection before the venue goes down."""
    return f'{{"e":"serverShutdown","E":{now_ms}}}'


def rest_trade(instrument: Instrument, item: Trade) -> str:
    """A row of `GET /api/v3/trades`."""
    return (
        f'{{"id":{item.trade_id},"price":"{instrument.price_text[item.price]}",'
        f'"qty":"{instrument.quantity_text[item.lots]}","quoteQty":"{instrument.value_text(item.price * item.lots)}",'
        f'"time":{item.time_ms},"isBuyerMaker":{flag(item.seller_took)},"isBestMatch":true}}'
    )


def rest_agg_trade(instrument: Instrument, item: AggTrade) -> str:
    """A row of `GET /api/v3/aggTrades`."""
    return (
        f'{{"a":{item.agg_id},"p":"{instrument.price_text[item.price]}","q":"{instrument.quantity_text[item.lots]}",'
        f'"f":{item.first_id},"l":{item.last_id},"T":{item.time_ms},"m":{flag(item.seller_took)},"M":true}}'
    )


def rest_day(pit: Pit, day: Bar, last_lots: int, now_ms: int) -> str:
    """`GET /api/v3/ticker/24hr`."""
    instrument = pit.instrument
    prices, quantities = instrument.price_text, instrument.quantity_text
    return (
        f'{{"symbol":"{instrument.symbol}","priceChange":"{prices[day.close - day.open]}",'
        f'"priceChangePercent":"{change_percent(day):.3f}","weightedAvgPrice":"{average_text(instrument, day)}",'
        f'"prevClosePrice":"{prices[day.open]}","lastPrice":"{prices[day.close]}","lastQty":"{quantities[last_lots]}",'
        f'"bidPrice":"{prices[pit.bid]}","bidQty":"{quantities[pit.bid_lots]}","askPrice":"{prices[pit.ask]}",'
        f'"askQty":"{quantities[pit.ask_lots]}","openPrice":"{prices[day.open]}","highPrice":"{prices[day.high]}",'
        f'"lowPrice":"{prices[day.low]}","volume":"{quantities[day.lots]}",'
        f'"quoteVolume":"{instrument.value_text(day.value)}","openTime":{day.start_ms},"closeTime":{now_ms},'
        f'"firstId":{day.first_id},"lastId":{day.last_id},"count":{day.count}}}'
    )


def rest_book_ticker(pit: Pit) -> str:
    """`GET /api/v3/ticker/bookTicker`."""
    prices, quantities = pit.instrument.price_text, pit.instrument.quantity_text
    return (
        f'{{"symbol":"{pit.instrument.symbol}","bidPrice":"{prices[pit.bid]}","bidQty":"{quantities[pit.bid_lots]}",'
        f'"askPrice":"{prices[pit.ask]}","askQty":"{quantities[pit.ask_lots]}"}}'
    )


def rest_price(instrument: Instrument, price: int) -> str:
    """`GET /api/v3/ticker/price`."""
    return f'{{"symbol":"{instrument.symbol}","price":"{instrument.price_text[price]}"}}'
