package main
import "fmt"
func   main( ) {
x:=map[string]int{"a":1,
"long":2}
  for k,v:=range x{fmt.Println(k,v)}
}
